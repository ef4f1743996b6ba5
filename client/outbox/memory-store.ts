/** The store of a client without a storage: it keeps nothing. */
import type { ItemStore } from './item-store.ts';

const ignore = () => undefined;

export function createMemoryStore(): ItemStore {
  return {
    load: async () => ({ counter: 0, items: [] }),
    save: ignore,
    remove: ignore,
    markSent: ignore,
    flush: async () => undefined,
    retry: ignore,
    isUnsaved: () => false,
    kept: [],
    keep: ignore,
    forget: ignore,
    addConnectedTime: ignore,
  };
}

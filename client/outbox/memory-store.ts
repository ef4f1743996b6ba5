/** The store of a client without a storage: applied updates are kept in memory, and nothing outlives the process. */
import type { ItemStore } from './item-store.ts';
import type { Item } from './outbox-item.ts';

/** In time with an open connection: while the device is offline, it cannot learn that the server has lost something. */
export const keepMs = 10 * 60_000;
export const maxKept = 1000;

const ignore = () => undefined;

export function createMemoryStore(): ItemStore {
  let kept: { readonly item: Item; readonly until: number }[] = [];
  let connectedMs = 0;
  return {
    load: async () => ({ counter: 0, items: [] }),
    save: ignore,
    remove: ignore,
    markSent: ignore,
    flush: async () => undefined,
    retry: ignore,
    isUnsaved: () => false,
    get kept() {
      return kept.map(({ item }) => item);
    },
    keep(item) {
      kept = [...kept.slice(1 - maxKept), { item, until: connectedMs + keepMs }];
    },
    forget(items) {
      kept = kept.filter(({ item }) => !items.has(item));
    },
    addConnectedTime(ms) {
      connectedMs += ms;
      kept = kept.filter(({ until }) => until > connectedMs);
    },
  };
}

import type { Storage } from './storage.ts';
import { type LockGlobals, type TabStorage, tabStorage } from './tab-slots.ts';

interface LocalStorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}
interface BrowserGlobals extends LockGlobals {
  readonly localStorage?: LocalStorageLike;
}

/**
 * Storage in a browser's localStorage, which holds 5 MiB. Prefer `indexedDbStorage` for fields with many particles. Each tab has
 * its own part.
 * @throws Error when there is no localStorage
 */
export function localStorage(globals = globalThis as BrowserGlobals): TabStorage {
  const { localStorage: store } = globals;
  if (!store) throw new Error('localStorage is not available. Use memoryStorage() or another storage.');
  const storage: Storage = {
    get: async (key) => store.getItem(key),
    set: async (key, value) => store.setItem(key, value),
    remove: async (key) => store.removeItem(key),
  };
  return tabStorage(storage, 'localStorage', globals);
}

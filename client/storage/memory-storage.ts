import { type PersistentStorage, persistentStorage } from './persistent-storage.ts';

/** Keeps values in memory, for tests and for apps that need not keep unsent updates. */
export function memoryStorage(): PersistentStorage {
  const values = new Map<string, string>();
  return persistentStorage({
    get: async (key) => values.get(key) ?? null,
    set: async (key, value) => void values.set(key, value),
    remove: async (key) => void values.delete(key),
  });
}

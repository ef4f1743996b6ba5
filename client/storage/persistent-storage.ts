import { openPersistence } from './persistence/open-persistence.ts';
import type { PersistentStorage } from './persistence/persistence.ts';
import type { Storage } from './storage.ts';

export type { PersistentStorage } from './persistence/persistence.ts';

/** Makes a custom storage usable for a client. Only one client of a field may use it at a time. */
export function persistentStorage(storage: Storage): PersistentStorage {
  return {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value),
    remove: (key) => storage.remove(key),
    openPersistence: (options) => openPersistence(storage, options),
  };
}

import { prefixKeys } from './persistence/prefixed-keys.ts';
import { type PersistentStorage, persistentStorage } from './persistent-storage.ts';
import type { Storage } from './storage.ts';

/** The part of a storage whose keys begin with `prefix/`. Use one for each server, for example. */
export function withPrefix(storage: Storage, prefix: string): PersistentStorage {
  return persistentStorage(prefixKeys(storage, prefix));
}

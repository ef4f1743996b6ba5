import type { Storage } from '../storage.ts';

/** The part of a storage whose keys begin with `prefix/`. */
export function prefixKeys(storage: Storage, prefix: string): Storage {
  return {
    get: (key) => storage.get(`${prefix}/${key}`),
    set: (key, value) => storage.set(`${prefix}/${key}`, value),
    remove: (key) => storage.remove(`${prefix}/${key}`),
  };
}

/** For a storage that another page may be using: writes have no effect. */
export function asReadOnly(storage: Storage): Storage {
  return { get: (key) => storage.get(key), set: ignore, remove: ignore };
}

async function ignore(): Promise<void> {}

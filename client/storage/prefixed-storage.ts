/** Wrappers around an app's storage: keys by server and field, and tolerance of failed writes. */
import type { Storage } from './storage.ts';

/** The part of a storage whose keys start with `prefix/`. */
export function withPrefix(storage: Storage, prefix: string): Storage {
  return {
    get: (key) => storage.get(`${prefix}/${key}`),
    set: (key, value) => storage.set(`${prefix}/${key}`, value),
    remove: (key) => storage.remove(`${prefix}/${key}`),
  };
}

/**
 * Reports failed writes and continues: updates still reach the server while the app runs. Failed reads are errors, because
 * treating a value as missing would overwrite it.
 */
export function bestEffort(storage: Storage, onError: (error: unknown) => void): Storage {
  return {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value).catch(onError),
    remove: (key) => storage.remove(key).catch(onError),
  };
}

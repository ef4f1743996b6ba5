/** The part of a storage that is one server's or one field's, and what becomes of a storage that is full. */
import type { Storage } from './storage.ts';

export function withPrefix(storage: Storage, prefix: string): Storage {
  return {
    get: (key) => storage.get(`${prefix}/${key}`),
    set: (key, value) => storage.set(`${prefix}/${key}`, value),
    remove: (key) => storage.remove(`${prefix}/${key}`),
  };
}

/**
 * What cannot be written is told, and the client goes on without: edits still reach the server while the app lives.
 * What cannot be read is an error: who took it for missing would write over it.
 */
export function bestEffort(storage: Storage, onError: (error: unknown) => void): Storage {
  return {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value).catch(onError),
    remove: (key) => storage.remove(key).catch(onError),
  };
}

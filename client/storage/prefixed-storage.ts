/** The part of a storage that is one server's or one field's, and what becomes of a storage that is full. */
import type { Storage } from './storage.ts';

export function within(storage: Storage, scope: string): Storage {
  return {
    get: (key) => storage.get(`${scope}/${key}`),
    set: (key, value) => storage.set(`${scope}/${key}`, value),
    remove: (key) => storage.remove(`${scope}/${key}`),
  };
}

/**
 * What cannot be written is told, and the client goes on without: edits still reach the server while the app lives.
 * What cannot be read is an error: who took it for missing would write over it.
 */
export function forgiving(storage: Storage, onError: (error: unknown) => void): Storage {
  return {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value).catch(onError),
    remove: (key) => storage.remove(key).catch(onError),
  };
}

/** The part of a storage that is one server's or one field's. */
import type { Storage } from './storage.ts';

export function within(storage: Storage, scope: string): Storage {
  return {
    get: (key) => storage.get(`${scope}/${key}`),
    set: (key, value) => storage.set(`${scope}/${key}`, value),
    remove: (key) => storage.remove(`${scope}/${key}`),
  };
}

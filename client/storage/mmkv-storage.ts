import { type PersistentStorage, persistentStorage } from './persistent-storage.ts';

/** The part of an instance of `react-native-mmkv` that is used. Version 4 has renamed `delete` to `remove`. */
type MmkvLike = {
  getString(key: string): string | undefined;
  set(key: string, value: string): void;
} & ({ delete(key: string): unknown } | { remove(key: string): unknown });

/**
 * Storage in React Native: `mmkvStorage(createMMKV({ id: 'field' }))`. Values survive the end of the process, but the
 * operating system decides when they reach the disk, so a device that loses power may lose the newest values.
 */
export function mmkvStorage(store: MmkvLike): PersistentStorage {
  return persistentStorage({
    get: async (key) => store.getString(key) ?? null,
    set: async (key, value) => store.set(key, value),
    remove: async (key) => void ('remove' in store ? store.remove(key) : store.delete(key)),
  });
}

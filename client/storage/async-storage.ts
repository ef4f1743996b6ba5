import { type PersistentStorage, persistentStorage } from './persistent-storage.ts';

/** The part of `@react-native-async-storage/async-storage`, and of `expo-sqlite/kv-store`, that is used. */
interface AsyncStorageLike {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

/** Storage in React Native: `asyncStorage(AsyncStorage)`. On Android, AsyncStorage holds 6 MB unless the app raises the limit. */
export function asyncStorage(store: AsyncStorageLike): PersistentStorage {
  return persistentStorage({
    get: (key) => store.getItem(key),
    set: (key, value) => store.setItem(key, value),
    remove: (key) => store.removeItem(key),
  });
}

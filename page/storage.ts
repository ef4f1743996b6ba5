/** The part of the browser's storage that belongs to the page's client. */
import { type TabStorage, tabStorage } from '../client/storage/tab-slots.ts';
import { storageKey } from './sharing/address.ts';

/**
 * Opens a storage that is separate for each installation and for viewers: the edits of this browser's device must not be sent with
 * a viewer's token, which the server would refuse.
 */
export function openStorage(isViewer: boolean): TabStorage {
  const prefix = storageKey(isViewer ? 'view/' : '');
  const storage = {
    get: async (key: string) => localStorage.getItem(prefix + key),
    set: async (key: string, value: string) => localStorage.setItem(prefix + key, value),
    remove: async (key: string) => localStorage.removeItem(prefix + key),
  };
  return tabStorage(storage, `localStorage${prefix}`, globalThis);
}

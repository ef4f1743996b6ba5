/** The part of the browser's storage that belongs to the page's client. */
import { type TabStorage, tabStorage } from '../client/storage/tab-slots.ts';
import { storageKey } from './sharing/address.ts';

/**
 * What the client keeps is apart for each installation, and for each link: the edits of this browser's device must not be sent with the
 * token of a viewer, which the server would refuse.
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

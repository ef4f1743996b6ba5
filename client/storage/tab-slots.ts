/**
 * Divides a browser's storage between its tabs. Two tabs must not number updates of one device, so each tab acquires the first
 * free slot by Web Locks. A slot has its own device and outbox, which the next tab in it continues.
 */
import { type PersistentStorage, persistentStorage } from './persistent-storage.ts';
import type { Storage } from './storage.ts';

/** The part of `navigator.locks` that is used. */
interface LocksLike {
  request(
    name: string,
    options: { ifAvailable: true },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

/** The part of the global object that has the locks. */
export interface LockGlobals {
  readonly navigator?: { readonly locks?: LocksLike };
}

/** A storage that the tabs of a browser divide among them, or share through `createTabClient`. */
export interface TabStorage extends PersistentStorage {
  /** Distinguishes it from other storages of the origin. */
  readonly name: string;
  /** The storage that all tabs share. The keys of each slot begin with its number. */
  readonly whole: Storage;
}

/** The lock of a slot, which is the same for all storages. */
export const slotLock = (slot: number) => `consciousness-field/${slot}`;

export function tabStorage(whole: Storage, name: string, globals: LockGlobals): TabStorage {
  return { ...persistentStorage(withTabSlots(whole, globals)), name, whole };
}

/** @param globals browsers without Web Locks have a single slot: there, open the app in one tab only */
function withTabSlots(storage: Storage, { navigator }: LockGlobals): Storage {
  let slot: Promise<number> | undefined;
  const toSlotKey = async (key: string) => {
    slot ??= navigator?.locks ? acquireSlot(navigator.locks) : Promise.resolve(0);
    return `${await slot}/${key}`;
  };
  return {
    get: async (key) => storage.get(await toSlotKey(key)),
    set: async (key, value) => storage.set(await toSlotKey(key), value),
    remove: async (key) => storage.remove(await toSlotKey(key)),
  };
}

async function acquireSlot(locks: LocksLike): Promise<number> {
  for (let slot = 0; ; slot += 1) {
    const isAcquired = await new Promise<boolean>((resolve, reject) => {
      const holdLock = (lock: unknown) => {
        resolve(lock !== null);
        // A promise that never resolves holds the lock for as long as the page exists.
        return lock === null ? undefined : new Promise<void>(() => undefined);
      };
      locks.request(slotLock(slot), { ifAvailable: true }, holdLock).catch(reject);
    });
    if (isAcquired) return slot;
  }
}

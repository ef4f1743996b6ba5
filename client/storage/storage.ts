/**
 * Stores text by key. Implement it to keep a client's data elsewhere. A value must survive the end of the process once `set`
 * has resolved. Values contain no tokens.
 */
export interface Storage {
  /** Resolves to null when there is no value. */
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
  /** Resolves also when there is no value. */
  remove(key: string): Promise<void>;
}

/** Keeps values in memory, for tests and for apps that need not keep unsent updates. */
export function memoryStorage(): Storage {
  const values = new Map<string, string>();
  return {
    get: async (key) => values.get(key) ?? null,
    set: async (key, value) => void values.set(key, value),
    remove: async (key) => void values.delete(key),
  };
}

/** The part of React Native's AsyncStorage that is used. */
interface AsyncStorageLike {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

/** Storage in React Native: `asyncStorage(AsyncStorage)`. */
export function asyncStorage(store: AsyncStorageLike): Storage {
  return {
    get: (key) => store.getItem(key),
    set: (key, value) => store.setItem(key, value),
    remove: (key) => store.removeItem(key),
  };
}

interface LocalStorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}
interface LocksLike {
  request(
    name: string,
    options: { ifAvailable: true },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}
interface BrowserGlobals {
  readonly localStorage?: LocalStorageLike;
  readonly navigator?: { readonly locks?: LocksLike };
}

/**
 * Storage in a browser's localStorage. Two tabs must not number updates of one device, so each tab acquires the first free
 * slot by Web Locks. A slot has its own device and outbox, which the next tab in it continues. Browsers without Web Locks
 * have a single slot: there, open the app in one tab only.
 * @throws Error when there is no localStorage
 */
export function localStorage(globals = globalThis as BrowserGlobals): Storage {
  const { localStorage: store, navigator } = globals;
  if (!store) throw new Error('localStorage is not available. Use memoryStorage() or another storage.');
  let slot: Promise<number> | undefined;
  const toSlotKey = async (key: string) => {
    slot ??= navigator?.locks ? acquireSlot(navigator.locks) : Promise.resolve(0);
    return `${await slot}/${key}`;
  };
  return {
    get: async (key) => store.getItem(await toSlotKey(key)),
    set: async (key, value) => store.setItem(await toSlotKey(key), value),
    remove: async (key) => store.removeItem(await toSlotKey(key)),
  };
}

async function acquireSlot(locks: LocksLike): Promise<number> {
  for (let slot = 0; ; slot += 1) {
    const isAcquired = await new Promise<boolean>((resolve, reject) => {
      const holdLock = (lock: unknown) => {
        resolve(lock !== null);
        // A promise that never resolves holds the lock for as long as the page lives.
        return lock === null ? undefined : new Promise<void>(() => undefined);
      };
      locks.request(`consciousness-field/${slot}`, { ifAvailable: true }, holdLock).catch(reject);
    });
    if (isAcquired) return slot;
  }
}

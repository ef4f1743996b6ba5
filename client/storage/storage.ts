/**
 * Where a client keeps its outbox: text by key, and nothing more. What `set` has resolved must survive the end of the
 * process. Values hold no tokens.
 */
export interface Storage {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
}

export function memoryStorage(): Storage {
  const values = new Map<string, string>();
  return {
    get: async (key) => values.get(key) ?? null,
    set: async (key, value) => void values.set(key, value),
    remove: async (key) => void values.delete(key),
  };
}

/** As much of React Native's AsyncStorage as is needed here. */
interface AsyncStorageLike {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

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
 * A browser's localStorage. Two tabs must not number updates for one device: each takes the first place that no other tab
 * holds (by Web Locks, where there are any), with a device and an outbox of its own, which the next tab takes over.
 */
export function localStorage(globals = globalThis as BrowserGlobals): Storage {
  const { localStorage: store, navigator } = globals;
  if (!store) throw new Error('there is no localStorage here');
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
      const hold = (lock: unknown) => {
        resolve(lock !== null);
        // Held for as long as the page lives.
        return lock === null ? undefined : new Promise<void>(() => undefined);
      };
      locks.request(`consciousness-field/${slot}`, { ifAvailable: true }, hold).catch(reject);
    });
    if (isAcquired) return slot;
  }
}

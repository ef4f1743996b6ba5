/** Web Locks, held until they are released, stolen, or the page is gone. */
export interface LockManagerLike {
  request(
    name: string,
    options: {
      readonly mode?: 'exclusive' | 'shared';
      readonly ifAvailable?: boolean;
      readonly steal?: boolean;
      readonly signal?: AbortSignal;
    },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

type LockOptions = Parameters<LockManagerLike['request']>[1];

export interface HeldLock {
  release(): void;
  /** @param listener called when another page has stolen the lock */
  onStolen(listener: () => void): void;
}

/** @returns undefined if another page holds the lock */
export function tryLock(locks: LockManagerLike, name: string, mode: LockOptions['mode'] = 'exclusive') {
  return request(locks, name, { mode, ifAvailable: true });
}

/** Waits for a lock, or steals it from the page that holds it. @throws when the signal is aborted first */
export async function waitForLock(
  locks: LockManagerLike,
  name: string,
  options: Omit<LockOptions, 'ifAvailable'>,
): Promise<HeldLock> {
  const lock = await request(locks, name, options);
  if (!lock) throw new Error(`The lock ${name} was not granted.`);
  return lock;
}

function request(locks: LockManagerLike, name: string, options: LockOptions): Promise<HeldLock | undefined> {
  return new Promise((resolve, reject) => {
    let isReleased = false;
    const listeners: (() => void)[] = [];
    const hold = (lock: unknown) => {
      if (lock === null) return void resolve(undefined);
      return new Promise<void>((end) => {
        resolve({
          release() {
            isReleased = true;
            end();
          },
          onStolen: (listener) => void listeners.push(listener),
        });
      });
    };
    locks.request(name, options, hold).catch((error) => {
      if (!isReleased) for (const listener of listeners) listener();
      reject(error);
    });
  });
}

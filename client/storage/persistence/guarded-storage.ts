/**
 * Access to an app's storage: every call has a deadline, and calls for one key run one at a time, so that an overdue write never
 * replaces a newer value.
 */

import { withDeadline } from '../../timing/with-deadline.ts';
import type { Storage } from '../storage.ts';

const deadlineMs = 10_000;
/** While a call is overdue, the storage probably does not answer others either. */
const shortDeadlineMs = 1000;

class OverdueError extends Error {}

export interface GuardedStorage extends Storage {
  /** Leaves the storage untouched: from now on, reads find nothing, and nothing is written. */
  detach(): void;
}

export function guardStorage(storage: Storage): GuardedStorage {
  let target = storage;
  const running = new Map<string, Promise<unknown>>();
  const overdue = new Set<string>();

  const call = async <T>(key: string, perform: () => Promise<T>): Promise<T> => {
    if (overdue.has(key)) throw new OverdueError(`The storage has not finished an earlier call for ${key}.`);
    const work = (running.get(key) ?? Promise.resolve()).then(perform);
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    running.set(key, settled);
    void settled.then(() => {
      if (running.get(key) === settled) running.delete(key);
      overdue.delete(key);
    });
    return withDeadline(work, overdue.size > 0 ? shortDeadlineMs : deadlineMs, () => {
      overdue.add(key);
      return new OverdueError(`The storage did not answer in time for ${key}.`);
    });
  };
  return {
    async get(key) {
      const value: unknown = await call(key, () => target.get(key));
      return typeof value === 'string' ? value : null;
    },
    set: (key, value) => call(key, () => target.set(key, value)),
    remove: (key) => call(key, () => target.remove(key)),
    detach() {
      target = { get: async () => null, set: async () => undefined, remove: async () => undefined };
      running.clear();
      overdue.clear();
    },
  };
}

/**
 * A storage for important values: space is freed for them, and failed writes are reported once until one succeeds.
 * @param makeRoom removes less important values
 */
export function prioritize(
  storage: Storage,
  makeRoom: () => Promise<unknown>,
  onProblem: (error: unknown) => void,
): Storage {
  let isFailing = false;
  const report = (error: unknown) => {
    if (!isFailing) onProblem(error);
    isFailing = true;
    throw error;
  };
  return {
    get: (key) => storage.get(key),
    set: (key, value) =>
      storage
        .set(key, value)
        .catch(async (error) => {
          if (error instanceof OverdueError) throw error;
          await makeRoom();
          await storage.set(key, value);
        })
        .then(() => {
          isFailing = false;
        }, report),
    remove: (key) => storage.remove(key).catch(report),
  };
}

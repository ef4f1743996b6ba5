/** Storages that fail in a certain way, with the values that they hold. */
import { openPersistence } from '../../../../client/storage/persistence/open-persistence.ts';
import type { PersistentStorage } from '../../../../client/storage/persistent-storage.ts';

export interface FaultyStorage extends PersistentStorage {
  readonly values: Map<string, string>;
  /** Calls for keys that match never end, until `release`. */
  hang(calls: RegExp): void;
  release(): void;
  /** Reads of keys that match are rejected. */
  unreadable: RegExp | undefined;
  /** Calls that match are rejected. */
  refused: RegExp | undefined;
  /** In characters of keys and values; writes beyond that are rejected. */
  quota: number;
  /** What was called, such as `set consciousness-field/f/outbox`. */
  readonly calls: string[];
}

/** @param values what is stored at first */
export function createFaultyStorage(values: Iterable<readonly [string, string]> = []): FaultyStorage {
  const stored = new Map(values);
  let hanging: RegExp | undefined;
  let released: () => void = () => undefined;
  let release = Promise.resolve();
  const begin = async (call: string) => {
    storage.calls.push(call);
    if (hanging?.test(call)) await release;
    if (storage.refused?.test(call)) throw new Error('the call is refused');
  };
  const usedLength = () => [...stored].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  const storage: FaultyStorage = {
    openPersistence: (options) => openPersistence(storage, options),
    values: stored,
    calls: [],
    unreadable: undefined,
    refused: undefined,
    quota: Number.POSITIVE_INFINITY,
    hang(calls) {
      storage.release();
      hanging = calls;
      release = new Promise((resolve) => {
        released = resolve;
      });
    },
    release() {
      hanging = undefined;
      released();
    },
    async get(key) {
      await begin(`get ${key}`);
      if (storage.unreadable?.test(key)) throw new Error(`${key} cannot be read`);
      return stored.get(key) ?? null;
    },
    async set(key, value) {
      await begin(`set ${key}`);
      const former = stored.get(key);
      stored.set(key, value);
      if (usedLength() <= storage.quota) return;
      if (former === undefined) stored.delete(key);
      else stored.set(key, former);
      throw new Error('the quota is exceeded');
    },
    async remove(key) {
      await begin(`remove ${key}`);
      stored.delete(key);
    },
  };
  return storage;
}

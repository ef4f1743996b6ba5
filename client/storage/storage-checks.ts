/**
 * Checks, for any test framework, that a storage behaves as clients require. They need an empty storage, and leave it empty:
 *
 * ```ts
 * for (const { name, run } of storageChecks(() => myStorage('test'))) test(name, run);
 * ```
 */
import type { Storage } from './storage.ts';

export interface StorageCheck {
  /** What the storage does, as a sentence. */
  readonly name: string;
  /** Rejects if the storage does not do this. */
  readonly run: () => Promise<void>;
}

const key = 'global/outbox/1';
const otherKeys = ['global/outbox', 'global/outbox/10', 'global/outbox/2', 'global-2/outbox/1', 'global_/outbox/1'];
const manyKeys = Array.from({ length: 200 }, (_, index) => `global/applied/${index}`);
/** The longest value that a client stores, with three bytes of UTF-8 a character. */
const longText = '€'.repeat(80_000);
const texts = [
  '',
  ' ',
  '0',
  'null',
  '{"a":[1,"\\u0000"]}',
  'line\r\nbreak\t"\'\\%?$&',
  'ä語𝄞👩‍🚀',
  '\ufeffmark',
  longText,
];

/** @param open opens the storage with the data that it has, as each start of an app does */
export function storageChecks(open: () => Storage | Promise<Storage>): readonly StorageCheck[] {
  const check = (name: string, behave: (storage: Storage) => Promise<void>) => ({
    name,
    run: async () => {
      const storage = await open();
      try {
        await behave(storage);
      } finally {
        for (const used of [key, ...otherKeys, ...manyKeys]) await storage.remove(used);
      }
    },
  });
  return [
    check('a key without a value gives null', async (storage) => {
      expectEqual(await storage.get(key), null);
    }),
    check('a value is read as it was written, up to 256 kB', async (storage) => {
      for (const text of texts) {
        await storage.set(key, text);
        expectEqual(await storage.get(key), text);
      }
    }),
    check('a value outlives the instance that has written it', async (storage) => {
      await storage.set(key, longText);
      await storage.set(key, 'new');
      await storage.set('global/outbox', longText);
      const next = await open();
      expectEqual(await next.get(key), 'new');
      expectEqual(await next.get('global/outbox'), longText);
    }),
    check('a value is gone once it was removed', async (storage) => {
      await storage.set(key, 'value');
      await storage.remove(key);
      expectEqual(await storage.get(key), null);
      expectEqual(await (await open()).get(key), null);
      await storage.set(key, 'again');
      expectEqual(await storage.get(key), 'again');
    }),
    check('the removal of a key without a value resolves', async (storage) => {
      await storage.remove(key);
      expectEqual(await storage.get(key), null);
    }),
    check('keys that resemble each other are independent', async (storage) => {
      for (const other of [key, ...otherKeys]) await storage.set(other, other);
      await storage.remove(key);
      for (const other of otherKeys) expectEqual(await storage.get(other), other);
      expectEqual(await storage.get(key), null);
    }),
    check('200 values can be written, read and removed at the same time', async (storage) => {
      await Promise.all(manyKeys.map((each) => storage.set(each, `value of ${each}`)));
      const values = await Promise.all(manyKeys.map((each) => storage.get(each)));
      manyKeys.forEach((each, index) => {
        expectEqual(values[index], `value of ${each}`);
      });
      await Promise.all(manyKeys.map((each) => storage.remove(each)));
      const removed = await Promise.all(manyKeys.map((each) => storage.get(each)));
      expectEqual(removed.filter((value) => value !== null).length, 0);
    }),
  ];
}

function expectEqual(actual: unknown, expected: unknown): void {
  if (actual === expected) return;
  throw new Error(`The storage gave ${describe(actual)} instead of ${describe(expected)}.`);
}

function describe(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 50)}… (${text.length} characters)` : text;
}

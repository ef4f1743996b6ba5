/** Every adapter passes the checks that are exported for the adapters of apps. `test/browser` runs those of browsers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import t, { type Test } from 'tap';
import { asyncStorage } from '../../../../client/storage/async-storage.ts';
import { expoSqliteStorage } from '../../../../client/storage/expo-sqlite-storage.ts';
import { fileStorage } from '../../../../client/storage/file-storage.ts';
import { localStorage } from '../../../../client/storage/local-storage.ts';
import { memoryStorage } from '../../../../client/storage/memory-storage.ts';
import { mmkvStorage } from '../../../../client/storage/mmkv-storage.ts';
import type { Storage } from '../../../../client/storage/storage.ts';
import { storageChecks } from '../../../../client/storage/storage-checks.ts';
import { withFolder } from '../../../support/with-folder.ts';

async function runChecks(t: Test, open: () => Storage | Promise<Storage>): Promise<void> {
  for (const { name, run } of storageChecks(open)) await t.test(name, run);
}

t.test('memory', async (t) => {
  const storage = memoryStorage();
  await runChecks(t, () => storage);
});

t.test('files', async (t) => {
  const folder = join(await withFolder(t), 'created');
  await runChecks(t, () => fileStorage(folder));
});

t.test("expo-sqlite, by its interface on SQLite's own code in WebAssembly", async (t) => {
  const path = join(await withFolder(t), 'field.db');
  await runChecks(t, () => {
    const database = new sqlite.Database(path);
    t.teardown(() => database.close());
    return expoSqliteStorage({
      execAsync: async (sql) => database.exec(sql),
      runAsync: async (sql, parameters) => database.run(sql, parameters),
      getFirstAsync: async <Row>(sql: string, parameters: string[]) => database.get(sql, parameters) as Row | null,
    });
  });
});

t.test('AsyncStorage: a model of it, since its native part runs on phones only', async (t) => {
  const values = new Map<string, string>();
  const model = {
    getItem: async (key: string) => values.get(key) ?? null,
    setItem: async (key: string, value: string) => void values.set(key, value),
    removeItem: async (key: string) => void values.delete(key),
  };
  await runChecks(t, () => asyncStorage(model));
});

t.test('MMKV of versions 3 and 4: models of them, since their native part runs on phones only', async (t) => {
  const values = new Map<string, string>();
  const model = {
    getString: (key: string) => values.get(key),
    set: (key: string, value: string | number | boolean | ArrayBuffer) => void values.set(key, String(value)),
  };
  await runChecks(t, () => mmkvStorage({ ...model, delete: (key: string) => void values.delete(key) }));
  await runChecks(t, () => mmkvStorage({ ...model, remove: (key: string) => values.delete(key) }));
});

t.test('localStorage: a model of it', async (t) => {
  const values = new Map<string, string>();
  const model = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
  await runChecks(t, () => localStorage({ localStorage: model }));
});

t.test('the checks notice a storage that', async (t) => {
  const find = async (fault: (values: Map<string, string>) => Partial<Storage>) => {
    const values = new Map<string, string>();
    const storage = { ...memoryLike(values), ...fault(values) };
    const failed: string[] = [];
    for (const { name, run } of storageChecks(() => storage)) await run().catch(() => failed.push(name));
    return failed;
  };
  t.same(await find(() => ({})), []);
  const cases: Record<string, [(values: Map<string, string>) => Partial<Storage>, RegExp]> = {
    'gives undefined': [(values) => ({ get: async (key) => values.get(key) as string }), /null/],
    'cuts long values': [
      (values) => ({ set: async (key, value) => void values.set(key, value.slice(0, 65_536)) }),
      /256 kB/,
    ],
    'keeps the first value': [
      (values) => ({ set: async (key, value) => void (values.has(key) || values.set(key, value)) }),
      /outlives/,
    ],
    'never removes': [() => ({ remove: async () => {} }), /removed/],
    'rejects the removal of nothing': [
      (values) => ({ remove: async (key) => (values.delete(key) ? undefined : Promise.reject(new Error('missing'))) }),
      /without a value resolves/,
    ],
    'confuses keys': [
      (values) => ({
        get: async (key) => values.get(key.replaceAll('_', '-')) ?? null,
        set: async (key, value) => void values.set(key.replaceAll('_', '-').replace('-2', '-'), value),
      }),
      /resemble/,
    ],
  };
  for (const [fault, [create, expected]] of Object.entries(cases)) {
    t.match((await find(create)).join('\n'), expected, fault);
  }
});

function memoryLike(values: Map<string, string>): Storage {
  return {
    get: async (key) => values.get(key) ?? null,
    set: async (key, value) => void values.set(key, value),
    remove: async (key) => void values.delete(key),
  };
}

t.test('a file is replaced only once its new content has reached the disk', async (t) => {
  const folder = await withFolder(t);
  const storage = fileStorage(folder);
  await storage.set('key', 'old');
  const { open } = await import('node:fs/promises');
  const probe = await open(folder, 'r');
  const prototype: { sync(): Promise<void> } = Object.getPrototypeOf(probe);
  await probe.close();
  const { sync } = prototype;
  const valuesAtSync: string[] = [];
  t.teardown(() => Object.assign(prototype, { sync }));
  prototype.sync = async function () {
    valuesAtSync.push(await readFile(join(folder, 'key'), 'utf8'));
    return sync.call(this);
  };
  await storage.set('key', 'new');
  t.same(valuesAtSync, ['old', 'new'], 'of the file before it is renamed, and of the folder afterwards');
});

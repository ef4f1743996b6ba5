import { type PersistentStorage, persistentStorage } from './persistent-storage.ts';

/** The part of a database of `expo-sqlite` that is used. */
interface DatabaseLike {
  execAsync(sql: string): Promise<void>;
  runAsync(sql: string, parameters: string[]): Promise<unknown>;
  getFirstAsync<Row>(sql: string, parameters: string[]): Promise<Row | null>;
}

const createTable = 'CREATE TABLE IF NOT EXISTS consciousness_field (key TEXT PRIMARY KEY, value TEXT NOT NULL)';
const select = 'SELECT value FROM consciousness_field WHERE key = ?';
const upsert =
  'INSERT INTO consciousness_field (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value';
const deleteRow = 'DELETE FROM consciousness_field WHERE key = ?';

/**
 * Storage in a SQLite database, in a table `consciousness_field` that is created if necessary:
 * `expoSqliteStorage(await openDatabaseAsync('field.db'))`.
 */
export function expoSqliteStorage(database: DatabaseLike): PersistentStorage {
  let creation: Promise<void> | undefined;
  const ensureTable = () => {
    creation ??= database.execAsync(createTable).catch((error) => {
      creation = undefined;
      throw error;
    });
    return creation;
  };
  return persistentStorage({
    async get(key) {
      await ensureTable();
      return (await database.getFirstAsync<{ value: string }>(select, [key]))?.value ?? null;
    },
    async set(key, value) {
      await ensureTable();
      await database.runAsync(upsert, [key, value]);
    },
    async remove(key) {
      await ensureTable();
      await database.runAsync(deleteRow, [key]);
    },
  });
}

/** Fields that several users have written to, the command that erases them, and searches for what is left of them. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { to as copyTo } from 'pg-copy-streams';
import type { Test } from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { createFieldStore } from '../../db/field-store.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { createPseudonyms } from '../../shared/history/pseudonyms.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { type Field, settingsOf, withField } from '../cli/run-field.ts';
import { openCommitter, usesPreparedStatements } from '../support/committer.ts';
import { type Backing, withBacking } from '../support/processes/with-worker.ts';
import { withPgClient } from '../support/servers/query-postgres.ts';
import { asDevice, asField } from '../support/updates.ts';
import { withFolder } from '../support/with-folder.ts';

export const erasureKey = 'a key for the pseudonyms of tests, of more than 32 bytes';
export const garden = asField('garden');
/** Their ids, and what they write, have no text in common with anything else. */
export const zoe = { user: 'user-zoe-q7', phone: asDevice('phone-zoe-q7'), tablet: asDevice('tablet-zoe-q7') };
export const yan = { user: 'user-yan', phone: asDevice('phone-yan') };
/** In everything that Zoe writes. */
export const marker = 'unique-marker-q7';
/** Occurs wherever something of Zoe is left. */
export const traces = ['zoe-q7', marker];

export interface ErasureTools {
  readonly backing: Backing;
  /** Runs the command line with the settings of the backing, its key and its folder of backups. */
  readonly run: Field;
  readonly folder: string;
}

export async function withErasureTools(t: Test, settings: Record<string, string> = {}): Promise<ErasureTools> {
  const backing = await withBacking(t, { ERASURE_KEY: erasureKey, ...settings });
  const folder = await withFolder(t);
  const keys = { ERASURE_KEY: erasureKey, BACKUP_FOLDER: folder };
  return { backing, folder, run: await withField(t, { ...settingsOf(backing), ...keys }) };
}

export function jobBy(
  { user }: { readonly user: string },
  field: FieldId,
  device: DeviceId,
  updates: readonly Update[],
): ApplyUpdates {
  return { field, device, user, updates, acceptedAt: 1_700_000_000_000 };
}

/** Commits jobs as a worker does that has the key, and returns their results. Its copies of the fields are its own. */
export function openWriter({ db }: Pick<Backing, 'db'>) {
  const pseudonyms = createPseudonyms(erasureKey);
  const committer = openCommitter(db, { store: createFieldStore(db, { usesPreparedStatements, pseudonyms }) });
  return async (job: ApplyUpdates): Promise<readonly UpdateResult[]> => {
    const applied = await committer.commit(new Map([[job.field, [job]]]));
    return applied.get(job.field)?.results[0] ?? [];
  };
}

export function openDatabase(t: Test, url: string): Knex {
  const log = createLogger({ name: 'test', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'field-test', log });
  t.teardown(() => db.destroy());
  return db;
}

const tablesSql = `
  SELECT format('%I.%I', schemaname, tablename) AS table FROM pg_tables
  WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;

/** The tables in whose dump (`COPY … TO STDOUT`) a text occurs, with what surrounds it. */
export async function searchDatabase(url: string, texts: readonly string[]): Promise<string[]> {
  return withPgClient(url, async (client) => {
    const found: string[] = [];
    const { rows: tables } = await client.query<{ table: string }>(tablesSql);
    for (const { table } of tables) {
      const missing = new Set(texts);
      let tail = '';
      for await (const chunk of client.query(copyTo(`COPY ${table} TO STDOUT`))) {
        const dump = tail + chunk;
        for (const text of missing) {
          const at = dump.indexOf(text);
          if (at < 0) continue;
          missing.delete(text);
          found.push(`${table} has ${text}: ${dump.slice(Math.max(0, at - 200), at + 100)}`);
        }
        tail = dump.slice(-100);
      }
    }
    return found;
  });
}

/** The keys in whose name or value a text occurs. */
async function searchRedis(redis: Redis, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const key of await redis.keys('*')) {
    const content = `${key} ${JSON.stringify(await readValue(redis, key))}`;
    for (const text of texts) if (content.includes(text)) found.push(`${key} has ${text}: ${content.slice(0, 600)}`);
  }
  return found;
}

async function readValue(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return `unknown type ${type}`;
  }
}

/** The files of a backup's folder in whose uncompressed content a text occurs. */
export async function searchFiles(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name));
    const content = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    for (const text of texts) if (content.includes(text)) found.push(`${name} has ${text}`);
  }
  return found;
}

/** Everything in the servers that still tells something of Zoe. */
export async function searchEverywhere({ config, cacheRedis }: Backing, queueRedis: Redis): Promise<string[]> {
  return [
    ...(await searchDatabase(directDatabaseUrl(config), traces)),
    ...(await searchRedis(cacheRedis, traces)),
    ...(await searchRedis(queueRedis, traces)),
  ];
}

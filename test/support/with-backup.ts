/** Fills a database with every kind of content, backs it up, and reads its rows for comparison. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { manifestName } from '../../db/backup/files/manifest.ts';
import { type WrittenBackup, writeBackup } from '../../db/backup/write-backup.ts';
import { recordRuleSettings } from '../../db/models/rule-setting.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { type Backing, withBacking, withWorker } from './processes/with-worker.ts';
import { waitForVersion } from './read-back.ts';
import { openFallbackQueue } from './servers/fallback-queue.ts';
import { withPgClient } from './servers/query-postgres.ts';
import { asDevice, asField, jobOf, putParticle, removeParticle, setCell } from './updates.ts';
import { withFolder } from './with-folder.ts';

export const garden = asField('garden');
export const pond = asField('pond');
export const alice = asDevice('alice');
const bob = asDevice('bob');

/** Creates fields with conflicts, archived snapshots, tombstones and special characters, and jobs in the fallback queue. */
export async function withFilledBacking(t: Test): Promise<Backing> {
  const backing = await withBacking(t, { SNAPSHOT_EVERY: '10' });
  const { db, producer, config, log } = backing;
  const worker = await withWorker(t, backing);
  const puts = Array.from({ length: 30 }, (_, index) =>
    putParticle(index + 1, `p${index}`, { resonance: index / 30, content: `tab\t line\n back\\slash \\N ☀ ${index}` }),
  );
  await producer.enqueue(jobOf(garden, alice, [...puts, removeParticle(31, 'p1', { seen: 2 })]));
  await waitForVersion(backing, garden, 31);
  await producer.enqueue(jobOf(garden, bob, [setCell(1, 3, 0.1), putParticle(2, 'p2', { resonance: 0.123456789 })]));
  await producer.enqueue(jobOf(pond, bob, [setCell(1, 3, 1 / 3)]));
  await waitForVersion(backing, garden, 33);
  await waitForVersion(backing, pond, 1);
  await worker.stop();
  const fallback = openFallbackQueue(directDatabaseUrl(config), log);
  await fallback.add([jobOf(garden, alice, [setCell(32, 5, 0.5)]), jobOf(garden, alice, [setCell(33, 6, 0.6)])]);
  await fallback.close();
  await recordRuleSettings(db, { GRID_SIZE: 30 });
  await db('revocations').insert({ kind: 'device', subject: 'mallory', revoked_at: 1, reason: 'stolen', change: 1 });
  return backing;
}

export async function backUp(t: Test, { config }: Pick<Backing, 'config'>): Promise<WrittenBackup> {
  return writeBackup({ url: directDatabaseUrl(config), folder: await withFolder(t) });
}

/** Returns all rows of the tables that a backup contains, as text. */
export async function dumpRows(url: string): Promise<Record<string, string[]>> {
  return withPgClient(url, async (client) => {
    const dump: Record<string, string[]> = {};
    for (const table of [
      'consciousness_states',
      'field_conflicts',
      'field_snapshots',
      'field_updates',
      'revocations',
      'rule_settings',
      'vector_clocks',
    ]) {
      const { rows } = await client.query<{ text: string }>(`SELECT t::text AS text FROM ${table} t ORDER BY 1`);
      dump[table] = rows.map(({ text }) => text);
    }
    return dump;
  });
}

/** Alters a manifest and recomputes its checksum, as an attacker would. */
export async function forgeManifest(folder: string, alter: (text: string) => string): Promise<void> {
  const path = join(folder, manifestName);
  const { createHash } = await import('node:crypto');
  const { sha256, ...rest } = JSON.parse(alter(await readFile(path, 'utf8')));
  const forged = createHash('sha256').update(JSON.stringify(rest)).digest('hex');
  await writeFile(path, JSON.stringify({ ...rest, sha256: forged }));
}

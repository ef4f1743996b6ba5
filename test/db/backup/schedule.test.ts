import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import t from 'tap';
import { listBackups, writeVerdict } from '../../../db/backup/backup-folder.ts';
import { underBackupLock } from '../../../db/backup/backup-lock.ts';
import { partialName } from '../../../db/backup/backup-names.ts';
import { readBackupTimes } from '../../../db/backup/ledger.ts';
import { type BackupPlan, isAnythingDue, runBackups } from '../../../db/backup/run-backups.ts';
import { directDatabaseUrl } from '../../../shared/config.ts';
import { measureBackups } from '../../../workers/measure-backups.ts';
import { query, withFilledBacking } from '../../support/with-backup.ts';
import { withFolder } from '../../support/with-folder.ts';
import type { Backing } from '../../support/with-worker.ts';

const dayMs = 86_400_000;

async function planOf(t: Parameters<typeof withFolder>[0], { config }: Backing): Promise<BackupPlan> {
  const folder = await withFolder(t);
  return { url: directDatabaseUrl(config), folder, everyMs: dayMs, keepCount: 3, keepMs: 30 * dayMs };
}

const listScratch = (url: string) =>
  query(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE starts_with(datname, 'field_verify_' || (SELECT left(id::text, 8) FROM installation))`,
    );
    return rows.map(({ datname }) => datname);
  });

t.test('of any number of schedules one takes the backup, which is then verified and known to all', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = await planOf(t, backing);
  t.same(await readBackupTimes(backing.db), { takenAt: undefined, verifiedAt: undefined });
  const registry = new Registry();
  measureBackups(registry, () => readBackupTimes(backing.db));
  const gauges = async () => (await registry.metrics()).match(/^field_\S+ \S+$/gm);
  t.same(await gauges(), [
    'field_backup_last_success_timestamp_seconds 0',
    'field_backup_last_verified_timestamp_seconds 0',
  ]);
  t.equal(await isAnythingDue(plan), true);
  const runs = await Promise.all(Array.from({ length: 4 }, () => runBackups(plan)));
  t.equal(runs.filter((run) => run?.written).length, 1);
  const [backup, ...others] = await listBackups(plan.folder);
  t.same(others, []);
  t.match(backup, { verdict: { fields: 2, updates: 34, differences: [] } });
  t.same(await listScratch(plan.url), []);
  const { takenAt, verifiedAt } = await readBackupTimes(backing.db);
  t.equal(takenAt?.toISOString(), backup?.manifest?.takenAt);
  t.ok(verifiedAt && takenAt && verifiedAt >= takenAt);
  t.same(await gauges(), [
    `field_backup_last_success_timestamp_seconds ${Number(takenAt) / 1000}`,
    `field_backup_last_verified_timestamp_seconds ${Number(verifiedAt) / 1000}`,
  ]);

  t.equal(await isAnythingDue(plan), false);
  t.match(await runBackups(plan), { written: undefined, verified: undefined, removed: [] });
  const elsewhere = await planOf(t, backing);
  t.equal(await isAnythingDue(elsewhere), false, 'nor is it on another machine');
});

t.test(
  'what does not replay to what is stored is found in the backup, and no other is taken for verified',
  async (t) => {
    const backing = await withFilledBacking(t);
    const plan = await planOf(t, backing);
    await backing.db('field_updates').where({ field_id: 'garden', version: 5 }).update({ outcome: 'superseded' });
    const run = await runBackups(plan);
    t.match(run?.verified?.verdict.differences, [/^garden: version 5 was logged as superseded/]);
    t.equal((await readBackupTimes(backing.db)).verifiedAt, undefined);
    t.equal(await isAnythingDue(plan), false, 'the verdict stands: it is not tried again and again');
  },
);

t.test('what a crash has left behind is cleaned up, and what is not ours stays', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = await planOf(t, backing);
  const mine = (await backing.reader.readInstallation()).slice(0, 8);
  const partial = partialName(`field-20260101T000000000Z-${mine}`);
  const foreign = partialName('field-20260101T000000000Z-ffffffff');
  for (const name of [partial, foreign, 'holiday-pictures']) await mkdir(join(plan.folder, name));
  await writeFile(join(plan.folder, partial, 'field_updates.copy.gz'), 'half');
  const left = `field_verify_${mine}_00000000`;
  const other = 'field_verify_ffffffff_00000000';
  await query(plan.url, (client) => client.query(`CREATE DATABASE ${left}`));
  await query(plan.url, (client) => client.query(`CREATE DATABASE ${other}`));
  t.teardown(() => query(plan.url, (client) => client.query(`DROP DATABASE ${other}`)));
  t.same(await listBackups(plan.folder), [], 'what is half done is not taken for a backup');
  const run = await runBackups(plan);
  t.same(run?.removed, [partial, left]);
  t.same((await readdir(plan.folder)).sort(), [foreign, String(run?.written?.name), 'holiday-pictures'].sort());
  t.same(await listScratch(plan.url), []);
});

t.test('old backups go by count and by age, but never the newest and the newest verified', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = { ...(await planOf(t, backing)), everyMs: 0 };
  const names: string[] = [];
  for (let day = 0; day < 6; day += 1) {
    const run = await runBackups({ ...plan, keepCount: 100 });
    names.push(String(run?.written?.name));
  }
  const failed = { at: new Date().toISOString(), fields: 0, updates: 0, differences: ['all is lost'] };
  for (const name of names.slice(1)) await writeVerdict(join(plan.folder, name), failed);
  const sixth = await runBackups({ ...plan, everyMs: dayMs });
  t.same([...(sixth?.removed ?? [])].sort(), names.slice(1, 3), 'more than three');
  const kept = [names[0], ...names.slice(3)].reverse();
  t.same(
    (await listBackups(plan.folder)).map(({ name }) => name),
    kept,
  );
  await runBackups({ ...plan, everyMs: dayMs, keepMs: 0 });
  const survivors = (await listBackups(plan.folder)).map(({ name }) => name);
  t.same(survivors, [names[5], names[0]], 'older than nothing at all, two are left');
  const { rows } = await query(plan.url, (client) => client.query('SELECT name FROM backups ORDER BY name'));
  t.same(
    rows.map(({ name }) => name),
    [...survivors].reverse(),
  );
});

t.test('while one is at it, another gives way', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = await planOf(t, backing);
  await underBackupLock(plan.url, async () => t.equal(await runBackups(plan), undefined));
  t.ok((await runBackups(plan))?.written);
});

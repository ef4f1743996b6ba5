import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { Registry } from 'prom-client';
import t from 'tap';
import { backupLockId, withBackupLock } from '../../../db/backup/backup-lock.ts';
import { formatPartialName } from '../../../db/backup/files/backup-names.ts';
import { listBackups, writeVerificationResult } from '../../../db/backup/files/backup-store.ts';
import { recordsFileName } from '../../../db/backup/records/records-file.ts';
import { type BackupPlan, isAnythingDue, runBackups } from '../../../db/backup/run-backups.ts';
import { withScratchDatabase } from '../../../db/backup/scratch-database.ts';
import { readBackupTimes } from '../../../db/models/backup.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { registerBackupMetrics } from '../../../workers/observe/backup-metrics.ts';
import type { Backing } from '../../support/processes/with-worker.ts';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFilledBacking } from '../../support/with-backup.ts';
import { withFolder } from '../../support/with-folder.ts';

const dayMs = 86_400_000;

async function planOf(t: Parameters<typeof withFolder>[0], { config }: Backing): Promise<BackupPlan> {
  const folder = await withFolder(t);
  return { url: directDatabaseUrl(config), folder, intervalMs: dayMs, keepCount: 3, keepMs: 30 * dayMs };
}

/** The prefix of the names of scratch databases for the client's database. */
async function readPrefix(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ oid: number }>(
    'SELECT oid FROM pg_database WHERE datname = current_database()',
  );
  return `field_verify_${rows[0]?.oid}_`;
}

const listScratch = (url: string) =>
  withPgClient(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE starts_with(datname, '${await readPrefix(client)}')`,
    );
    return rows.map(({ datname }) => datname);
  });

t.test('of several schedules, one takes and verifies a backup, and all see its record', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = await planOf(t, backing);
  t.same(await readBackupTimes(backing.db), { takenAt: undefined, verifiedAt: undefined });
  const registry = new Registry();
  registerBackupMetrics(registry, () => readBackupTimes(backing.db));
  const gauges = async () => (await registry.metrics()).match(/^field_\S+ \S+$/gm);
  t.same(await gauges(), [
    'field_backup_last_success_timestamp_seconds 0',
    'field_backup_last_verified_timestamp_seconds 0',
  ]);
  t.equal(await isAnythingDue(backing.db, plan), true);
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

  t.equal(await isAnythingDue(backing.db, plan), false);
  t.match(await runBackups(plan), { written: undefined, verified: undefined, removed: [] });
  const elsewhere = await planOf(t, backing);
  t.equal(
    await isAnythingDue(backing.db, elsewhere),
    false,
    'no backup is due on a machine with another folder either',
  );
});

t.test(
  'a backup whose log does not replay to the stored state fails verification and is not verified again',
  async (t) => {
    const backing = await withFilledBacking(t);
    const plan = await planOf(t, backing);
    await backing.db('field_updates').where({ field_id: 'garden', version: 5 }).update({ outcome: 'superseded' });
    const run = await runBackups(plan);
    t.match(run?.verified?.verdict.differences, [/^garden: version 5 was logged as superseded/]);
    t.equal((await readBackupTimes(backing.db)).verifiedAt, undefined);
    t.equal(await isAnythingDue(backing.db, plan), false, 'a failed verification is not repeated');
  },
);

t.test('a run removes what a crash of this installation left behind, and nothing else', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = await planOf(t, backing);
  const mine = (await backing.reader.readInstallation()).slice(0, 8);
  const partial = formatPartialName(`field-20260101T000000000Z-${mine}`);
  const foreign = formatPartialName('field-20260101T000000000Z-ffffffff');
  for (const name of [partial, foreign, 'holiday-pictures']) await mkdir(join(plan.folder, name));
  await writeFile(join(plan.folder, partial, 'field_updates.copy.gz'), 'half');
  const left = `${await withPgClient(plan.url, readPrefix)}00000000`;
  const other = 'field_verify_0_00000000';
  await withPgClient(plan.url, (client) => client.query(`CREATE DATABASE ${left}`));
  await withPgClient(plan.url, (client) => client.query(`CREATE DATABASE ${other}`));
  t.teardown(() => withPgClient(plan.url, (client) => client.query(`DROP DATABASE ${other}`)));
  t.same(await listBackups(plan.folder), [], 'incomplete backups are not listed');
  const run = await runBackups(plan);
  t.same(run?.removed, [partial, left]);
  const kept = [foreign, String(run?.written?.name), 'holiday-pictures', recordsFileName];
  t.same((await readdir(plan.folder)).sort(), kept.sort());
  t.same(await listScratch(plan.url), []);
});

t.test('backups expire by count and by age, except the newest one and the newest verified one', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = { ...(await planOf(t, backing)), intervalMs: 0 };
  const names: string[] = [];
  for (let day = 0; day < 6; day += 1) {
    const run = await runBackups({ ...plan, keepCount: 100 });
    names.push(String(run?.written?.name));
  }
  const failed = { at: new Date().toISOString(), fields: 0, updates: 0, differences: ['garden: differs'] };
  for (const name of names.slice(1)) await writeVerificationResult(join(plan.folder, name), failed);
  const sixth = await runBackups({ ...plan, intervalMs: dayMs });
  t.same([...(sixth?.removed ?? [])].sort(), names.slice(1, 3), 'those beyond the three to keep');
  const kept = [names[0], ...names.slice(3)].reverse();
  t.same(
    (await listBackups(plan.folder)).map(({ name }) => name),
    kept,
  );
  await runBackups({ ...plan, intervalMs: dayMs, keepMs: 0 });
  const survivors = (await listBackups(plan.folder)).map(({ name }) => name);
  t.same(survivors, [names[5], names[0]], 'with a maximum age of zero, two remain');
  const { rows } = await withPgClient(plan.url, (client) => client.query('SELECT name FROM backups ORDER BY name'));
  t.same(
    rows.map(({ name }) => name),
    [...survivors].reverse(),
  );
});

t.test('a run is skipped while another process holds the backup lock', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = await planOf(t, backing);
  await withBackupLock(plan.url, async () => t.equal(await runBackups(plan), undefined));
  t.ok((await runBackups(plan))?.written);
});

t.test('a run does not drop the scratch database that a clone of its database is using', async (t) => {
  const [one, clone] = [await withFilledBacking(t), await withFilledBacking(t)];
  t.equal(await one.reader.readInstallation(), await clone.reader.readInstallation(), 'both come from one template');
  const { url } = await planOf(t, one);
  const planOfClone = await planOf(t, clone);
  await withPgClient(url, (client) =>
    withScratchDatabase(client, url, async (scratch) => {
      const run = await runBackups(planOfClone);
      t.match(run, { verified: { verdict: { differences: [] } }, removed: [] });
      t.equal(
        await withPgClient(scratch, async (guest) => (await guest.query('SELECT')).rowCount),
        1,
        'the scratch database still exists',
      );
    }),
  );
});

t.test('a run waits until the server has ended the session of a killed process and released its lock', async (t) => {
  const backing = await withFilledBacking(t);
  const plan = await planOf(t, backing);
  const killed = new pg.Client({ connectionString: plan.url });
  killed.on('error', () => undefined);
  await killed.connect();
  const { rows } = await killed.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, pg_advisory_lock($1)', [
    backupLockId,
  ]);
  const backend = rows[0]?.pid;
  t.teardown(() => withPgClient(plan.url, (client) => client.query('SELECT pg_terminate_backend($1)', [backend])));
  // The server does not notice that a client has disconnected while it is executing a statement.
  const statement = killed.query('SELECT pg_sleep(600)').catch(() => undefined);
  await waitUntil('the statement runs', () => countRows(plan.url, sleepingSql, backend));
  await killed.end();
  await statement;
  const run = runBackups(plan);
  const isWaiting = waitUntil('the run waits for the lock', () => countRows(plan.url, waitingSql, backend));
  await Promise.race([isWaiting, run]);
  await withPgClient(plan.url, (client) => client.query('SELECT pg_cancel_backend($1)', [backend]));
  t.ok((await run)?.written);
  await isWaiting;
});

const sleepingSql = `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%pg_sleep%'`;
const waitingSql = 'SELECT FROM pg_locks WHERE NOT granted AND $1 = ANY (pg_blocking_pids(pid))';

const countRows = (url: string, sql: string, backend: number | undefined) =>
  withPgClient(url, async (client) => (await client.query(sql, [backend])).rowCount);

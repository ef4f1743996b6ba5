import { readdir } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { listBackups } from '../../db/backup/files/backup-store.ts';
import { recordsFileName } from '../../db/backup/records/records-file.ts';
import { isAnythingDue, runBackups } from '../../db/backup/run-backups.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { createLifecycle } from '../../shared/process/lifecycle.ts';
import { planBackups } from '../../workers/backup/plan.ts';
import { startBackupScheduler } from '../../workers/backup/scheduler.ts';
import { installedEntryPoint } from '../support/processes/modules.ts';
import { withPgClient } from '../support/servers/query-postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFilledBacking } from '../support/with-backup.ts';
import { withFolder } from '../support/with-folder.ts';

const longTimeout = { timeoutMs: 120_000, intervalMs: 200 };

/** Sets up a schedule with a backup due. The child process reads its settings from the environment. */
async function withSchedule(t: Test) {
  const backing = await withFilledBacking(t);
  const folder = await withFolder(t);
  const config = { ...backing.config, BACKUP_EVERY_HOURS: 24, BACKUP_FOLDER: folder };
  for (const name of ['DATABASE_URL', 'QUEUE_REDIS_URL', 'CACHE_REDIS_URL', 'JWT_SECRET'] as const) {
    process.env[name] = config[name];
  }
  if (config.DATABASE_DIRECT_URL) process.env.DATABASE_DIRECT_URL = config.DATABASE_DIRECT_URL;
  process.env.BACKUP_FOLDER = folder;
  process.env.LOG_LEVEL = 'silent';
  return { ...backing, config, folder };
}

t.test('two workers take and verify one backup, in a child process', async (t) => {
  const { config, folder, ...backing } = await withSchedule(t);
  const workers = [createLifecycle(backing.log), createLifecycle(backing.log)];
  t.teardown(() => Promise.all(workers.map((lifecycle) => lifecycle.stop())));
  for (const lifecycle of workers)
    startBackupScheduler(
      { config, log: backing.log, lifecycle, db: backing.db },
      { intervalMs: 20, script: installedEntryPoint('workers/backup/main') },
    );
  const verified = await waitUntil(
    'the backup is verified',
    async () => (await listBackups(folder)).find(({ verdict }) => verdict),
    longTimeout,
  );
  // The result is written to the folder before it is recorded in the database, so wait for both.
  await waitUntil(
    'no backup or verification is due',
    async () => !(await isAnythingDue(backing.db, planBackups(config))),
    longTimeout,
  );
  t.match(verified.verdict, { fields: 2, updates: 34, differences: [] });
  await Promise.all(workers.map((lifecycle) => lifecycle.stop()));
  t.equal((await listBackups(folder)).length, 1);
  t.match(await runBackups(planBackups(config)), { written: undefined, verified: undefined });
});

t.test('a worker takes no backup when scheduled backups are disabled', async (t) => {
  const backing = await withFilledBacking(t);
  const lifecycle = createLifecycle(backing.log);
  startBackupScheduler({ config: backing.config, log: backing.log, lifecycle, db: backing.db }, { intervalMs: 1 });
  await lifecycle.stop();
  const { rows } = await backing.db.raw('SELECT FROM backups');
  t.equal(rows.length, 0);
});

t.test('a worker that is stopped while it checks whether a backup is due starts no backup process', async (t) => {
  const { config, folder, ...backing } = await withSchedule(t);
  const lifecycle = createLifecycle(backing.log);
  await withPgClient(directDatabaseUrl(config), async (client) => {
    await client.query('BEGIN; LOCK TABLE backups');
    startBackupScheduler({ config, log: backing.log, lifecycle, db: backing.db }, { intervalMs: 1 });
    await waitUntil('the worker is checking', async () => {
      const waiting = await client.query('SELECT FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))');
      return waiting.rowCount;
    });
    const stopped = lifecycle.stop();
    await client.query('ROLLBACK');
    await stopped;
  });
  const { rows } = await backing.db.raw('SELECT FROM backups');
  t.equal(rows.length, 0);
  const backups = (await readdir(folder)).filter((name) => name !== recordsFileName);
  t.same(backups, []);
});

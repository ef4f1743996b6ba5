/** Restores a backup in mid-run, step by step as docs/backups.md says. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { restoreBackup } from '../../../db/backup/restore-backup.ts';
import { writeBackup } from '../../../db/backup/write-backup.ts';
import { listFields, verifyField } from '../../../db/read/verify-field.ts';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { Observer } from '../observer.ts';
import { isReady } from '../stack/field-processes.ts';
import { databaseName } from '../stack/urls.ts';
import type { Fault } from './fault-context.ts';

const restoredName = 'field_restored';

export const restoreInMidRun: Fault = {
  losesTail: true,
  async inject(context) {
    const { stack, observer, random, notes, anomalies } = context;
    const { path, manifest } = await writeBackup({ url: stack.urls.database, folder: join(stack.folder, 'backups') });
    await delay(2000 + random.below(4000)); // Devices write what the backup does not have.
    const versions = manifest.fields.reduce((sum, { version }) => sum + version, 0);
    for (const processes of [stack.apis, stack.workers]) {
      const exits = await Promise.all(processes.map((process) => process.suspend()));
      anomalies.push(...exits.filter((exit) => exit !== 'code 0').map((exit) => `exited with ${exit} on SIGTERM`));
    }
    const lost = (await countCommits(observer)) - versions;
    await observer.whileDisconnected(() => replaceDatabase(stack.urls.database, path));
    for (const field of await listFields(observer.db)) {
      const { differences } = await verifyField(observer.db, field);
      anomalies.push(...differences.map((difference) => `restored ${field}: ${difference}`));
    }
    for (const worker of stack.workers) await worker.start();
    for (const api of stack.apis) await api.start();
    for (const address of stack.addresses) {
      const check = () => isReady(address).catch(() => false);
      await waitUntil(`${address} is ready`, check, { timeoutMs: 60_000, intervalMs: 100 });
    }
    notes.push(`${lost} commits are not in the backup`);
  },
};

async function countCommits({ db }: Observer): Promise<number> {
  const { rows } = await db.raw<{ rows: { count: string }[] }>(
    'SELECT coalesce(sum(version), 0) AS count FROM consciousness_states',
  );
  return Number(rows[0]?.count);
}

/** Restores into an empty database and gives it the name of the old one, which is kept under another name. */
async function replaceDatabase(url: string, backup: string): Promise<void> {
  const maintenanceUrl = withDatabase(url, 'postgres');
  await withPgClient(maintenanceUrl, (client) => client.query(`CREATE DATABASE ${restoredName}`));
  await restoreBackup({ folder: backup, url: withDatabase(url, restoredName) });
  await withPgClient(maintenanceUrl, async (client) => {
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [databaseName]);
    await client.query(`ALTER DATABASE ${databaseName} RENAME TO field_before_${Date.now()}`);
    await client.query(`ALTER DATABASE ${restoredName} RENAME TO ${databaseName}`);
  });
}

function withDatabase(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${database}` }).href;
}

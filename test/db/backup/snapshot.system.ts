import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { restoreBackup } from '../../../db/backup/restore-backup.ts';
import { writeBackup } from '../../../db/backup/write-backup.ts';
import { connectDatabase } from '../../../db/connect.ts';
import { listFields, verifyField } from '../../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { withDatabase } from '../../support/servers/servers.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../../support/updates.ts';
import { dumpRows, withFilledBacking } from '../../support/with-backup.ts';
import { withFolder } from '../../support/with-folder.ts';

const fields = ['a', 'b', 'c'].map(asField);

t.test('a backup taken during writes is a consistent snapshot', async (t) => {
  const source = await withBacking(t, { SNAPSHOT_EVERY: '20' });
  await withWorker(t, source);
  let counter = 0;
  const send = async () => {
    counter += 1;
    const updates = [setCell(2 * counter - 1, counter % 30, 0.5), putParticle(2 * counter, `p${counter % 50}`)];
    for (const field of fields) await source.producer.enqueue(jobOf(field, asDevice('alice'), updates));
  };
  for (let round = 0; round < 50; round += 1) await send();
  for (const field of fields) await waitForVersion(source, field, 100);
  const folder = await withFolder(t);
  const taken: string[] = [];
  const backUpThreeTimes = async () => {
    while (taken.length < 3) {
      const before = counter;
      const { path } = await writeBackup({ url: directDatabaseUrl(source.config), folder });
      // One during which nothing was sent proves nothing.
      if (counter > before) taken.push(path);
    }
  };
  let isDone = false;
  const writing = (async () => {
    while (!isDone) await send();
  })();
  await backUpThreeTimes().finally(() => {
    isDone = true;
  });
  await writing;
  for (const path of taken) {
    const { directUrl: url } = await withDatabase(t);
    const { fields: versions } = await restoreBackup({ folder: path, url });
    const db = connectDatabase({ url, poolSize: 2, applicationName: 'test', log: source.log });
    t.teardown(() => db.destroy());
    t.same(await listFields(db), fields);
    for (const { field, version } of versions) {
      const verification = await verifyField(db, field);
      t.same(verification.differences, []);
      t.equal(verification.version, version);
    }
  }
});

/** Enough rows that a test can interrupt a backup or restore before it is complete. */
async function withManyRows(t: Test): Promise<string> {
  const { config } = await withFilledBacking(t);
  await withPgClient(directDatabaseUrl(config), (client) =>
    client.query(`
      INSERT INTO field_updates (field_id, version, device_id, counter, logged_at, outcome, rules, salt, hash, update)
      SELECT 'filler', n, 'device', n, n, 'applied', 2, '', '', jsonb_build_object('text', md5(n::text) || md5((-n)::text))
      FROM generate_series(1, 150000) AS n`),
  );
  return directDatabaseUrl(config);
}

/** Terminates the connections of a backup or restore, once. */
function connectionTerminator(url: string) {
  let terminating: Promise<unknown> | undefined;
  return {
    terminate() {
      terminating ??= withPgClient(url, (client) =>
        client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'field-backup'`),
      );
    },
    done: () => terminating,
  };
}

t.test('a backup that is interrupted leaves nothing behind in the folder', async (t) => {
  const url = await withManyRows(t);
  const folder = await withFolder(t);
  const { terminate, done } = connectionTerminator(url);
  const seen: string[] = [];
  const onProgress = () => {
    seen.push(...readdirSync(folder));
    terminate();
  };
  await t.rejects(writeBackup({ url, folder, onProgress }));
  await done();
  t.match(seen[0], /^\.partial-field-/, 'it is written under a temporary name');
  t.same(await readdir(folder), []);

  const stop = new AbortController();
  await t.rejects(writeBackup({ url, folder, signal: stop.signal, onProgress: () => stop.abort() }));
  t.same(await readdir(folder), []);
});

t.test('a restore that is interrupted leaves the database empty, and can be repeated', async (t) => {
  const { path } = await writeBackup({ url: await withManyRows(t), folder: await withFolder(t) });
  const { directUrl: url } = await withDatabase(t);
  const before = await dumpRows(url);
  const { terminate, done } = connectionTerminator(url);
  const restoring = restoreBackup({
    folder: path,
    url,
    onProgress: ({ step, file }) => {
      if (step === 'loading' && file.startsWith('field_updates')) terminate();
    },
  });
  await t.rejects(restoring);
  await done();
  t.same(await dumpRows(url), before);
  await restoreBackup({ folder: path, url });
  t.equal((await dumpRows(url)).field_updates?.length, 150_034);
});

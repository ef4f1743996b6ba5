/**
 * `npm run test:recovery`: recovers a database to a time under load, as docs/backups.md describes, with the PostgreSQL that the
 * machine has installed. Skipped if it has none.
 */
import { readdir } from 'node:fs/promises';
import t from 'tap';
import { migrate } from '../../db/migrations/migrate.ts';
import { listFields, verifyField } from '../../db/read/verify-field.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { findTools, withCluster } from './debian-cluster.ts';

const fields = [asField('garden'), asField('pond')];
const phone = asDevice('phone');
const tools = await findTools();
const options = { ...(tools ? {} : { skip: 'needs the packages postgresql and postgresql-client' }) };

/** Updates of one device to each field, one after the other, until it is stopped. */
function startLoad({ producer }: Backing) {
  let isStopped = false;
  let counter = 0;
  const done = (async () => {
    while (!isStopped && counter < 20_000) {
      counter += 1;
      const update = setCell(counter, counter % 10, (counter % 100) / 100);
      await Promise.all(fields.map((field) => producer.enqueue(jobOf(field, phone, [update]))));
    }
  })();
  const stop = async () => {
    isStopped = true;
    await done;
    return counter;
  };
  return { stop, sent: () => counter };
}

const readLog = (url: string, condition = 'true') =>
  queryPostgres(
    url,
    `select field_id, version::int, hash::text as hash from field_updates where ${condition} order by 1, 2`,
  );

t.test(
  'a database is recovered to a time: what was committed before it is there, and nothing else',
  options,
  async (t) => {
    const cluster = await withCluster(t, tools ?? '');
    const primary = await cluster.start('primary', [
      'wal_level=replica',
      'archive_mode=on',
      `archive_command=test ! -f "${cluster.archive}/%f" && cp "%p" "${cluster.archive}/%f.part" && mv "${cluster.archive}/%f.part" "${cluster.archive}/%f"`,
      // So that the test knows exactly what was committed before the time.
      'track_commit_timestamp=on',
    ]);
    await queryPostgres(cluster.url(primary, 'postgres'), 'create database field');
    const url = cluster.url(primary, 'field');
    await migrate(url);
    const backing = await withBacking(t, { DATABASE_URL: url });
    const worker = await withWorker(t, backing);
    const load = startLoad(backing);
    const waitForMore = async (count: number) => {
      const wanted = load.sent() + count;
      await waitUntil('more updates are sent', () => load.sent() >= wanted, { timeoutMs: 60_000 });
      for (const field of fields) await waitForVersion(backing, field, wanted);
    };

    await waitForMore(50);
    await cluster.takeBaseBackup(primary, 'copy');
    await waitForMore(100);
    const [now] = await queryPostgres(url, 'select clock_timestamp()::text as time');
    const time = String(now?.time);
    await waitForMore(100);
    const sent = await load.stop();
    for (const field of fields) await waitForVersion(backing, field, sent);
    await worker.stop();
    const expected = await readLog(url, `pg_xact_commit_timestamp(xmin) <= '${time}'`);
    const all = await readLog(url);
    t.ok(expected.length >= 300, `${expected.length} entries were committed before ${time}`);
    t.ok(all.length >= expected.length + 200, `${all.length - expected.length} after it`);

    await queryPostgres(url, 'delete from field_updates');
    const [last] = await queryPostgres(url, 'select pg_walfile_name(pg_switch_wal()) as segment');
    await waitUntil(
      'the log is archived',
      async () => (await readdir(cluster.archive)).includes(String(last?.segment)),
      {
        timeoutMs: 30_000,
      },
    );
    await primary.process.forceStop();
    await cluster.destroy('primary');

    await cluster.recoverTo('copy', time);
    const recovered = await cluster.start('copy', ['wal_level=replica', 'archive_mode=off']);
    const recoveredUrl = cluster.url(recovered, 'field');
    t.same(await readLog(recoveredUrl), expected, 'the log is the one at that time');

    const { config } = backing;
    const next = await withBacking(t, {
      DATABASE_URL: recoveredUrl,
      QUEUE_REDIS_URL: config.QUEUE_REDIS_URL,
      CACHE_REDIS_URL: config.CACHE_REDIS_URL,
    });
    for (const field of await listFields(next.db)) {
      const { version, differences } = await verifyField(next.db, field);
      t.same(differences, [], `${field} equals the replay of its log`);
      t.ok(version > 0, 'and is not empty');
    }
    await withWorker(t, next);
    // A device sends again what the server lost.
    const kept = Array.from({ length: sent }, (_, index) =>
      setCell(index + 1, (index + 1) % 10, ((index + 1) % 100) / 100),
    );
    for (const field of fields) {
      for (let from = 0; from < sent; from += 100)
        await next.producer.enqueue(jobOf(field, phone, kept.slice(from, from + 100)));
      await waitForVersion(next, field, sent);
      t.same((await verifyField(next.db, field)).differences, [], `${field} goes on, with nothing applied twice`);
    }
    t.equal((await readLog(recoveredUrl)).length, all.length, 'each update that was lost is there again, once');
  },
);

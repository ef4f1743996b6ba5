/**
 * Erases a user from a field of 100,000 updates while others go on writing and watching, and searches for what is left in a
 * dump of the database, in both Redis and in a restored backup. Prints how long it takes.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import type { Update } from '../../shared/field/update.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { openStream } from '../api/support/stream-client.ts';
import { withApi } from '../api/support/with-app.ts';
import { restoreTarget } from '../cli/run-field.ts';
import { withWorker } from '../support/processes/with-worker.ts';
import { readStored } from '../support/read-back.ts';
import { openFallbackQueue } from '../support/servers/fallback-queue.ts';
import { withDatabase } from '../support/servers/servers.ts';
import { asDevice, putParticle, setCell } from '../support/updates.ts';
import {
  garden,
  jobBy,
  marker,
  openDatabase,
  openWriter,
  searchDatabase,
  searchEverywhere,
  searchFiles,
  traces,
  withErasureTools,
  zoe,
} from './support.ts';

const totalUpdates = 100_000;
const perJob = 500;
const others = Array.from({ length: 7 }, (_, index) => ({ user: `user-${index}`, phone: asDevice(`phone-${index}`) }));

/** Everybody writes to the same particles and cells; others name Zoe's phone in their vector clocks. */
function makeUpdates(first: number, isZoe: boolean): Update[] {
  return Array.from({ length: perJob }, (_, index) => {
    const counter = first + index;
    const context = isZoe || counter % 50 !== 0 ? {} : { clock: { [zoe.phone]: counter } };
    const content = isZoe ? `${marker} ${counter}` : `text ${counter}`;
    const update =
      counter % 2 === 0
        ? setCell(counter, (counter * 7) % 30, (counter % 100) / 100, { seen: counter })
        : putParticle(counter, isZoe && counter % 5 === 0 ? `${marker}-${counter % 40}` : `p${counter % 300}`, {
            content,
          });
    return { ...update, ...context };
  });
}

t.test('a user is erased from a field of 100,000 updates, and nothing of them is left', async (t) => {
  const { backing, run, folder } = await withErasureTools(t, { SNAPSHOT_EVERY: '5000' });
  const { config, log, db, producer } = backing;
  const write = openWriter(backing);
  const writers = [zoe, ...others];
  for (let job = 0; job < totalUpdates / perJob; job++) {
    const writer = writers[job % writers.length] ?? zoe;
    const first = Math.floor(job / writers.length) * perJob + 1;
    await write(jobBy(writer, garden, writer.phone, makeUpdates(first, writer === zoe)));
  }
  t.equal((await verifyField(db, garden)).version, totalUpdates);
  t.match(await run(['backup']), { code: 0 });
  const backup = join(folder, (await readdir(folder)).find((name) => name.startsWith('field-')) ?? '');
  t.not((await searchFiles(backup, traces)).length, 0, 'the backup has their updates');

  const waiting = [putParticle(90_001, marker, { content: marker })];
  await producer.queues.first.add('apply-updates', jobBy(zoe, garden, zoe.phone, waiting), { delay: 3_600_000 });
  const fallback = openFallbackQueue(directDatabaseUrl(config), log);
  t.teardown(() => fallback.close());
  await fallback.add([jobBy(zoe, garden, zoe.tablet, waiting)]);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const [writer] = others;
  const token = await api.createToken({ user: 'user-0', device: 'watcher' });
  const watcher = await openStream(t, api, { token, field: garden });
  await watcher.find('snapshot');

  const abort = new AbortController();
  const writing = (async () => {
    let counter = 200_000;
    for (; writer && !abort.signal.aborted && counter < 205_000; counter++) {
      await producer.enqueue(jobBy(writer, garden, writer.phone, [setCell(counter, counter % 30, 0.5)]));
    }
    return counter - 200_000;
  })();
  const startedAt = performance.now();
  const erased = await run(['erase', '--user', zoe.user, '--yes', '--json']);
  const seconds = (performance.now() - startedAt) / 1000;
  abort.abort();
  const written = await writing;
  t.equal(erased.code, 0, erased.stderr);
  const counts = JSON.parse(erased.stdout);
  // A worker may have applied the update of the fallback queue before.
  t.ok(counts.entries >= totalUpdates / writers.length);

  const queueRedis = connectRedis(config.QUEUE_REDIS_URL, 'test', log);
  t.teardown(() => queueRedis.disconnect());
  t.same(
    await searchEverywhere(backing, queueRedis),
    [],
    'nothing in the dump of the database, the cache and the queue',
  );
  const verified = await run(['verify', garden], { env: { CACHE_REDIS_URL: '' } });
  t.match(verified, { code: 0, stdout: /1 field verified, 0 differ/ }, verified.stdout);
  const stored = JSON.parse(await readStored(backing, garden));
  await watcher.waitForVersion(stored.version);
  t.notMatch(JSON.stringify(watcher.messages.slice(-1)), /zoe-q7/);

  const { directUrl } = await withDatabase(t);
  const target = restoreTarget(directUrl);
  const restored = await run(['restore', backup, ...target.args], { env: target.env });
  t.match(restored, { code: 0, stdout: /Applied again: 1 erasure, 0 revocations/ }, restored.stderr);
  t.same(await searchDatabase(directUrl, traces), [], 'nothing in the restored backup');
  t.match(await verifyField(openDatabase(t, directUrl), garden), { differences: [] });
  t.comment(`${JSON.stringify(counts)}; ${written} updates of others meanwhile; ${seconds.toFixed(1)} s`);
});

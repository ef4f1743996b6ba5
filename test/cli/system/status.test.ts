import t from 'tap';
import type { Status } from '../../../cli/status/read-status.ts';
import { computeUpdatesPerSecond } from '../../../cli/status/render-status.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { openFallbackQueue } from '../../support/servers/fallback-queue.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';
import { settingsOf, withField } from '../run-field.ts';

const garden = asField('garden');
const job = (counter: number) => jobOf(garden, asDevice('ada'), [setCell(counter, 1, 0.5)]);

t.test('status shows both queues, the workers, the streams and the fields, even if Redis is down', async (t) => {
  const backing = await withBacking(t);
  const { producer, config, log } = backing;
  const run = await withField(t, settingsOf(backing));
  const lifecycle = await withWorker(t, backing);
  await producer.enqueue(job(1));
  await waitForVersion(backing, garden, 1);
  await lifecycle.stop();
  await producer.enqueue(job(2));
  const fallback = openFallbackQueue(directDatabaseUrl(config), log);
  t.teardown(() => fallback.close());
  await fallback.add([job(3), job(4)]);
  const { address } = await withApi(t, backing);

  const json = await run(['status', '--json', '--url', address]);
  t.equal(json.code, 0, json.stderr);
  t.match(JSON.parse(json.stdout), {
    redis: { queue: { waiting: 1, active: 0, failed: 0 } },
    postgres: {
      workers: 0,
      totalFields: 1,
      fallback: { waiting: 2 },
      fields: [{ field: 'garden', version: 1, devices: 1, conflicts: 0 }],
    },
    updatesPerSecond: { garden: 0 },
  });

  const table = await run(['status', '--url', address]);
  t.match(table.stdout, /workers 0, streams \S+.*, fields 1, not yet published 0\n/);
  t.match(table.stdout, /\nRedis +1 +0 +0 +0 +\d+\.\d s\n/);
  t.match(table.stdout, /\nPostgreSQL +2 +0 +0 +0 +\d+\.\d s\n/);
  t.match(table.stdout, /\ngarden +1 +0\.0 +1 +[01] +0 +20/);

  await backing.redis.stop();
  const half = await run(['status', '--once']);
  t.match(half, { code: 3, stdout: /Redis +The Redis of the queue .* cannot be reached/ });
  t.match(half.stdout, /\ngarden /, 'the rest is shown');
});

t.test('updates per second are the difference of versions over time', async (t) => {
  const at = (ms: number, version: number) =>
    ({ at: ms, postgres: { fields: [{ field: garden, version }] } }) as unknown as Status;
  t.same(computeUpdatesPerSecond(at(3000, 50), at(1000, 10)), { garden: 20 });
  t.same(computeUpdatesPerSecond(at(3000, 50), undefined), {});
});

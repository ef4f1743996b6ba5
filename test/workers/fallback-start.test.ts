import t from 'tap';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { createLifecycle } from '../../shared/process/lifecycle.ts';
import { startFallbackConsumer } from '../../workers/consume/fallback-consumer.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { openFallbackQueue } from '../support/servers/fallback-queue.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const countSql = `
  SELECT count(*)::int AS count FROM pg_stat_activity
  WHERE application_name = 'field-fallback-queue' AND datname = current_database()`;

t.test('a worker that is stopped while it connects to the fallback queue consumes no jobs', async (t) => {
  const { config, log, db, cacheRedis: redis, keys } = await withBacking(t);
  const consumers: string[] = [];
  const start = (name: string) => {
    const lifecycle = createLifecycle(log);
    startFallbackConsumer(
      { config, log, lifecycle, db, redis, keys },
      async () => void consumers.push(name),
      undefined,
    );
    return lifecycle;
  };
  await start('stopped').stop();
  const other = start('other');
  const queue = openFallbackQueue(directDatabaseUrl(config), log);
  await queue.add([jobOf(asField('garden'), asDevice('ada'), [setCell(1, 1, 0.5)])]);
  await waitUntil('the job is taken', () => consumers.length > 0);
  t.same(consumers, ['other']);
  await queue.close();
  await other.stop();
  await waitUntil('no connection is left', async () => {
    const { rows }: { rows: { count: number }[] } = await db.raw(countSql);
    return rows[0]?.count === 0;
  });
});

import t from 'tap';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { updatesQueue } from '../../shared/contract/job.ts';
import { createLifecycle } from '../../shared/process/lifecycle.ts';
import { startFallbackConsumer } from '../../workers/consume/fallback-consumer.ts';
import { TcpLink } from '../faults/stack/tcp-link.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { openFallbackQueue } from '../support/servers/fallback-queue.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const listenerSql = `
  SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = ? AND query LIKE '%LISTEN bullmq_jobs%'`;

// After a failed subscription, BullMQ alone waits up to an hour for a notification, which an unresponsive connection
// never delivers.
t.test('a worker consumes the fallback queue after its connections break and then stop responding', async (t) => {
  const { config, log, db, cacheRedis: redis, keys } = await withBacking(t);
  const url = new URL(directDatabaseUrl(config));
  const link = new TcpLink('worker', 'postgres', Number(url.port));
  await link.listen();
  url.port = String(link.port);
  const behindLink = { ...config, DATABASE_DIRECT_URL: url.href };
  let errors = 0;
  const counting = Object.assign(Object.create(log) as typeof log, {
    debug: () => {
      errors += 1;
    },
  });
  const readListener = async () => {
    const { rows }: { rows: { pid: number }[] } = await db.raw(listenerSql, [updatesQueue]);
    return rows.length === 1 ? rows[0]?.pid : undefined;
  };

  const lifecycle = createLifecycle(log);
  const queue = openFallbackQueue(directDatabaseUrl(config), log);
  t.teardown(async () => {
    await queue.close();
    await link.close();
    await lifecycle.stop();
  });
  let taken = 0;
  const process = async () => {
    taken += 1;
  };
  startFallbackConsumer({ config: behindLink, log: counting, lifecycle, db, redis, keys }, process, undefined);
  const listener = await waitUntil('the worker listens for notifications', readListener);
  link.setMode('refuse');
  await waitUntil('reconnecting fails several times', () => errors >= 6);
  link.setMode('pass');
  await waitUntil('the worker listens again', async () => {
    const next = await readListener();
    return next !== undefined && next !== listener;
  });
  link.setMode('silent');
  link.setMode('pass');

  await queue.add([jobOf(asField('garden'), asDevice('ada'), [setCell(1, 1, 0.5)])]);
  await waitUntil('the job is taken', () => taken === 1, { timeoutMs: 40_000 });
});

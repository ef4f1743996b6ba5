import t from 'tap';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import type { UpdatesJob } from '../../../shared/contract/job.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { openFallbackQueue } from '../../support/servers/fallback-queue.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { settingsOf, withField } from '../run-field.ts';

const field = asField('garden');

t.test('dead-letter jobs of both queues can be listed, shown, retried and discarded', async (t) => {
  const backing = await withBacking(t);
  const { db, producer, log, config, reader } = backing;
  const run = await withField(t, settingsOf(backing));
  t.match(await run(['dead-letters', 'list']), { code: 0, stdout: 'The dead-letter queue is empty\n' });

  const fallback = openFallbackQueue(directDatabaseUrl(config), log);
  t.teardown(() => fallback.close());
  await db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_mallory CHECK (device_id <> 'mallory')`);
  const neighbours = Array.from({ length: 200 }, (_, index) =>
    jobOf(field, asDevice(`d${index}`), [setCell(1, 1, 0.5)]),
  );
  const poison = jobOf(field, asDevice('mallory'), [setCell(1, 2, 0.5), setCell(2, 3, 0.5)]);
  await producer.enqueueAll([...neighbours.slice(0, 100), poison, ...neighbours.slice(100)]);
  await fallback.add([jobOf(field, asDevice('mallory'), [setCell(3, 4, 0.5)])]);
  await withWorker(t, backing);
  await waitForVersion(backing, field, 200);
  const listed = await waitUntil('both jobs are in the dead-letter queue', async () => {
    const { stdout } = await run(['dead-letters', 'list', '--json']);
    const dead = JSON.parse(stdout) as { total: number; jobs: { id: string; counters: number[]; reason: string }[] };
    return dead.total === 2 && dead;
  });
  const ids = new Map(listed.jobs.map(({ id, counters }) => [counters.join(), id]));
  const [inRedis = '', inPostgres = ''] = [ids.get('1,2'), ids.get('3')];
  t.match(inRedis, /^\d+$/);
  t.match(inPostgres, /^p/);
  t.match(listed.jobs[0]?.reason, /no_mallory/);
  t.match(await run(['dead-letters', 'list']), {
    stdout: /garden +mallory +1-2 .*no_mallory[\s\S]*2 dead-letter jobs/,
  });
  t.match(JSON.parse((await run(['dead-letters', 'show', inRedis])).stdout), {
    device: 'mallory',
    updates: [{ counter: 1 }, {}],
  });
  t.match(await run(['dead-letters', 'show', '999']), { code: 1, stderr: /There is no dead-letter job 999/ });
  t.match(await run(['dead-letters', 'retry']), { code: 2, stderr: /--all/ });
  t.match(await run(['dead-letters', 'discard', '--all', '--device', 'mallory']), { code: 2 });
  for (const [filter, count] of [
    [['--device', 'mallory', '--field', 'garden', '--reason', 'no_mallory', '--since', '1h'], '2 dead-letter jobs'],
    [['--device', 'alice'], 'None of 2 dead-letter jobs match'],
    [['--field', 'meadow'], 'None of 2 dead-letter jobs match'],
    [['--user', 'nobody'], 'None of 2 dead-letter jobs match'],
    [['--request', 'unknown'], 'None of 2 dead-letter jobs match'],
    [['--until', '1h'], 'None of 2 dead-letter jobs match'],
    [['--reason', 'token_revoked'], 'None of 2 dead-letter jobs match'],
  ] as const)
    t.match(await run(['dead-letters', 'list', ...filter]), { code: 0, stdout: new RegExp(`${count}\n$`) });
  t.match(await run(['dead-letters', 'retry', '--device', 'alice']), { code: 0, stdout: '0 retried\n' });

  await db.raw('ALTER TABLE field_updates DROP CONSTRAINT no_mallory');
  t.match(await run(['dead-letters', 'retry', inRedis]), { code: 0, stdout: '1 retried\n' });
  await waitForVersion(backing, field, 202);
  t.match(await run(['dead-letters', 'discard', '--device', 'mallory']), { code: 0, stdout: '1 discarded\n' });
  t.match(await run(['dead-letters', 'list']), { stdout: 'The dead-letter queue is empty\n' });
  t.equal((await reader.readLog(field, 0, 1))?.version, 202, 'the discarded job is not applied');
});

t.test('malformed jobs fail without a retry, and can be listed and discarded', async (t) => {
  const backing = await withBacking(t);
  const { first: queue } = backing.producer.queues;
  const run = await withField(t, settingsOf(backing));
  const strange: unknown[] = ['text', 7, null, [], { together: 'all' }, { together: [null, 7] }, { updates: [null] }];
  for (const data of strange) await queue.add('apply-updates', data as UpdatesJob);
  await withWorker(t, backing);
  // The combined job with two requests is split into two failed jobs.
  const dead = strange.length + 1;
  await waitUntil('every job is in the dead-letter queue', async () => (await queue.getFailedCount()) === dead);
  t.match(await run(['dead-letters', 'list']), { code: 0, stdout: new RegExp(`${dead} dead-letter jobs`) });
  t.match(await run(['dead-letters', 'discard', '--all']), { code: 0, stdout: `${dead} discarded\n` });
});

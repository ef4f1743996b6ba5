/** The overview while PostgreSQL is slow. */
import t from 'tap';
import { createOverviewReader } from '../../../../api/operators/overview/read-overview.ts';
import { waitUntil } from '../../../support/wait-until.ts';

const up = { status: 'up', latencyMs: 1 } as const;

t.test('a slow database is read by one at a time', async (t) => {
  const answers: (() => void)[] = [];
  const read = createOverviewReader({
    checkHealth: async () => ({
      ...{ status: 'degraded', canWrite: true, canRead: true },
      checks: { database: up, cache: up, queue: { ...up, full: false }, workers: { ...up, count: 1 } },
    }),
    producer: { readStats: async () => ({ redis: undefined, postgres: undefined }) } as never,
    readDatabase: () => new Promise((_resolve, reject) => answers.push(() => reject(new Error('cancelled')))),
    readTraffic: async () => [],
    samples: { all: [] },
    allowsWeakDurability: false,
    log: { debug: () => undefined },
  });
  t.equal((await read()).database, undefined, 'it does not answer in time');
  const second = read();
  t.equal(answers.length, 1, 'the first reading is still under way');
  answers[0]?.();
  await second;
  await waitUntil('it is read again', async () => {
    void read();
    return answers.length === 2;
  });
  answers[1]?.();
});

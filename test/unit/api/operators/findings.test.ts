/** What operators are advised to do, for each thing that can be wrong. */
import t from 'tap';
import { type FindingsInput, findFindings } from '../../../../api/operators/overview/findings.ts';
import type { WebhookOverview } from '../../../../db/operators/overview.ts';

const at = 1_800_000_000_000;
const up = { status: 'up', latencyMs: 1 } as const;
const down = { status: 'down', latencyMs: 2000 } as const;
const idle = { waiting: 0, active: 0, delayed: 0, failed: 0, oldestAt: null };
const database = {
  workers: [],
  fields: [],
  totalFields: 0,
  unpublishedFields: 0,
  runs: [],
  backups: [],
  webhooks: [],
  conflicts: [],
  devices: [],
};

const well: FindingsInput = {
  at,
  health: { checks: { database: up, cache: up, queue: { ...up, full: false }, workers: { ...up, count: 1 } } },
  queue: { redis: idle, postgres: idle },
  database,
  allowsWeakDurability: false,
};
const withChecks = (checks: Partial<FindingsInput['health']['checks']>): FindingsInput => ({
  ...well,
  health: { checks: { ...well.health.checks, ...checks } },
});
const backup = { name: 'b', takenAt: at - 3_600_000, verifiedAt: null };

const webhook: WebhookOverview = {
  id: 'w1',
  host: 'hooks.example',
  status: 'active',
  attempts: 1,
  deadLetters: 0,
  lastError: 'status 503',
  deliveredAt: null,
};
const withWebhook = (changed: Partial<WebhookOverview>): FindingsInput => ({
  ...well,
  database: { ...database, webhooks: [{ ...webhook, ...changed }] },
});

const cases: readonly (readonly [string, FindingsInput, readonly RegExp[]])[] = [
  ['all is well', well, []],
  ['PostgreSQL is down', { ...withChecks({ database: down }), database: undefined }, [/PostgreSQL does not answer/]],
  ['the queue is down', withChecks({ queue: { ...down, full: false } }), [/queue's Redis does not answer/]],
  ['the cache is down', withChecks({ cache: down }), [/cache's Redis does not answer/]],
  ['no worker runs', withChecks({ workers: { ...down, count: 0 } }), [/No worker runs/]],
  ['the queue is full', withChecks({ queue: { ...up, full: true } }), [/queue is full/]],
  [
    'PostgreSQL does not fsync',
    withChecks({ database: { ...up, detail: 'fsync is off' } }),
    [/lose what was confirmed: fsync is off/],
  ],
  [
    'a job waits for long',
    { ...well, queue: { redis: { ...idle, oldestAt: at - 31_000 }, postgres: undefined } },
    [/waited for 31 s/],
  ],
  [
    'a job waits for a moment',
    { ...well, queue: { redis: { ...idle, oldestAt: at - 5000 }, postgres: undefined } },
    [],
  ],
  [
    'a job has failed',
    { ...well, queue: { redis: idle, postgres: { ...idle, failed: 1 } } },
    [/^1 job could not be applied/],
  ],
  [
    'a worker is silent',
    { ...well, database: { ...database, workers: [{ id: 1, partitions: [0], isSilent: true }] } },
    [/A worker has sent nothing/],
  ],
  ['fields wait for the cache', { ...well, database: { ...database, unpublishedFields: 3 } }, [/changes of 3 fields/]],
  ['a backup is new', { ...well, database: { ...database, backups: [backup] } }, []],
  [
    'the newest backup is old',
    { ...well, database: { ...database, backups: [{ ...backup, takenAt: at - 40 * 3_600_000 }] } },
    [/more than 36 hours old/],
  ],
  ['a receiver has failed once', withWebhook({}), []],
  ['a receiver is down', withWebhook({ attempts: 5 }), [/hooks.example has failed 5 times: status 503/]],
  ['a webhook is paused', withWebhook({ status: 'paused' }), [/hooks.example is paused: status 503/]],
  ['a receiver has refused messages', withWebhook({ deadLetters: 2 }), [/has refused 2 messages/]],
];

for (const [name, input, expected] of cases) {
  t.test(name, async (t) => {
    const findings = findFindings(input);
    t.match(
      findings.map(({ what }) => what),
      expected,
    );
    t.equal(findings.length, expected.length);
    for (const { advice } of findings) t.match(advice, /\w+.*\./);
  });
}

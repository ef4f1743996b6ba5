/** Runs the checks against real servers that are misconfigured on purpose, and expects the code of each finding. */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import t, { type Test } from 'tap';
import { evaluateDisk } from '../../../cli/doctor/check-disk.ts';
import { evaluateNode } from '../../../cli/doctor/check-machine.ts';
import { evaluateServer } from '../../../cli/doctor/check-postgres.ts';
import { evaluateVersion } from '../../../cli/doctor/check-redis.ts';
import { type Finding, findingCodes } from '../../../cli/doctor/findings.ts';
import { runChecks } from '../../../cli/doctor/run-checks.ts';
import { recordRuleSettings } from '../../../db/models/rule-setting.ts';
import { readServerSettings } from '../../../db/read/settings/server-settings.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { updatesQueue } from '../../../shared/contract/job.ts';
import { queuePrefix } from '../../../shared/queue/partitions.ts';
import { withApi } from '../../api/support/with-app.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { openFallbackQueue } from '../../support/servers/fallback-queue.ts';
import { withPostgres } from '../../support/servers/postgres.ts';
import { withDatabase, withOneRedis, withoutPooler, withRedis } from '../../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFolder } from '../../support/with-folder.ts';
import { type ExitResult, settingsOf, withField } from '../run-field.ts';

const seen = new Set<string>();
const secret = { JWT_SECRET: 'a secret for tests alone, of more than 32 bytes' };
const nowhere = 'redis://127.0.0.1:1/0';
const job = (counter: number) => jobOf(asField('garden'), asDevice('ada'), [setCell(counter, 1, 0.5)]);

interface Diagnosis {
  readonly findings: readonly Finding[];
  /** Every finding that is not `ok`, as `subject code`. */
  readonly wrong: readonly string[];
}

function diagnose(t: Test, findings: readonly Finding[]): Diagnosis {
  const bad = findings.filter(({ level }) => level !== 'ok');
  for (const finding of bad) {
    seen.add(finding.code);
    t.ok(finding.advice, `${finding.code} comes with advice`);
  }
  return { findings, wrong: bad.map(({ subject, code }) => `${subject} ${code}`) };
}

/** Runs the checks without the command, which is faster. */
async function runDoctor(t: Test, rawSettings: Record<string, string>, apiUrl?: string): Promise<Diagnosis> {
  return diagnose(t, (await runChecks({ rawSettings, apiUrl, folder: tmpdir() })).findings);
}

/** Runs the command itself. */
async function run(
  t: Test,
  settings: Record<string, string>,
  url?: string,
): Promise<Diagnosis & { code: number | null }> {
  const field = await withField(t, settings);
  return readDiagnosis(t, await field(['doctor', '--json', ...(url ? ['--url', url] : [])]));
}

function readDiagnosis(t: Test, { code, stdout, stderr }: ExitResult): Diagnosis & { code: number | null } {
  t.equal(stderr, '');
  const { findings, problems, warnings } = JSON.parse(stdout);
  const diagnosis = diagnose(t, findings);
  t.equal(diagnosis.wrong.length, problems + warnings);
  return { code, ...diagnosis };
}

const withoutChecks = (wrong: readonly string[], expected: RegExp) => wrong.filter((one) => !expected.test(one));

t.test('doctor without settings reports the missing addresses and exits with code 2', async (t) => {
  const { code, wrong, findings } = await run(t, {});
  t.equal(code, 2);
  t.equal(wrong.length, 4);
  t.match(findings[0], { code: 'setting_invalid', message: /DATABASE_URL is missing/ });
});

t.test('doctor reports every invalid production setting at once and shows no secret', async (t) => {
  const { findings } = await runDoctor(t, {
    NODE_ENV: 'production',
    DATABASE_URL: 'mysql://x',
    JWT_SECRET: 'short',
  });
  const said = findings.map(({ message }) => message).join('\n');
  for (const name of ['DATABASE_URL', 'QUEUE_REDIS_URL', 'CACHE_REDIS_URL', 'JWT_SECRET', 'OPEN_REGISTRATION']) {
    t.match(said, name);
  }
  t.notMatch(said, /: short/, 'no secret is shown');
});

t.test('doctor reports each unreachable server', async (t) => {
  const addresses = { DATABASE_URL: 'postgres://127.0.0.1:1/x', QUEUE_REDIS_URL: nowhere, CACHE_REDIS_URL: nowhere };
  const { code, wrong } = await run(t, { ...addresses, ...secret }, 'http://127.0.0.1:2/');
  t.equal(code, 1);
  t.same(wrong, [
    'PostgreSQL postgres_unreachable',
    "the queue's Redis redis_unreachable",
    "the cache's Redis redis_unreachable",
    'the API api_unreachable',
  ]);
});

t.test(
  'doctor finds a complete system healthy, and reports the parts that have been stopped',
  withoutPooler,
  async (t) => {
    const postgres = await withPostgres(t);
    const backing = await withBacking(t, { DATABASE_URL: postgres.url });
    const lifecycle = await withWorker(t, backing);
    const { address } = await withApi(t, backing);
    const settings = { ...settingsOf(backing), ...secret };
    const healthy = await run(t, settings, address);
    t.same(healthy.wrong, []);
    t.equal(healthy.code, 0);
    const field = await withField(t, settings);
    t.match((await field(['doctor'])).stdout, /PostgreSQL\n {2}ok .*\n\nNo problems found\.\n$/s);

    await lifecycle.stop();
    // The API caches its health for a moment.
    const healthOf = async () => ((await (await fetch(`${address}/api/health`)).json()) as { status: string }).status;
    await waitUntil('the API reports the missing worker', async () => (await healthOf()) === 'degraded');
    const degraded = await runDoctor(t, settings, address);
    t.same(degraded.wrong, ['the queue no_workers', 'the API api_degraded']);

    await postgres.stop();
    await backing.redis.stop();
    await waitUntil('the API reports the stopped servers', async () => (await healthOf()) === 'unhealthy');
    const { wrong } = await runDoctor(t, settings, address);
    t.match(wrong, ['PostgreSQL postgres_unreachable', /queue/, /cache/, 'the API api_not_ready']);
  },
);

t.test('doctor distinguishes wrong passwords from unreachable servers', withoutPooler, async (t) => {
  const backing = await withBacking(t);
  const wrongly = (url: string) => url.replace(/:[^:@/]*@/, ':wrong@');
  const settings = Object.entries(settingsOf(backing)).map(([name, url]) => [name, wrongly(url)]);
  const { wrong } = await runDoctor(t, { ...Object.fromEntries(settings), ...secret });
  t.same(wrong, [
    'PostgreSQL postgres_access_denied',
    "the queue's Redis redis_access_denied",
    "the cache's Redis redis_access_denied",
  ]);
});

t.test('doctor finds a PostgreSQL that is not durable, full, read-only or not migrated', withoutPooler, async (t) => {
  const [{ url }, redis] = [await withDatabase(t), await withRedis(t)];
  const settings = { DATABASE_URL: url, QUEUE_REDIS_URL: redis.queueUrl, CACHE_REDIS_URL: redis.cacheUrl, ...secret };
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  t.teardown(() => client.end());
  const findProblems = async (more: Record<string, string> = {}) => {
    const { wrong } = await runDoctor(t, { ...settings, ...more });
    return withoutChecks(wrong, /no_workers|not_durable/);
  };
  const { findings } = await runDoctor(t, settings);
  const notDurable = findings.filter(({ code }) => code === 'postgres_not_durable').map(({ message }) => message);
  t.same(notDurable, ['fsync is off', 'full_page_writes is off', 'synchronous_commit is off']);
  t.same(await findProblems({ DATABASE_POOL_SIZE: '200' }), ['PostgreSQL postgres_connections_low']);

  await client.query(`INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('900-tomorrow', 9, now())`);
  t.same(await findProblems(), ['PostgreSQL migrations_unknown']);
  await client.query('DROP TABLE knex_migrations; DROP SCHEMA bullmq CASCADE');
  t.same(await findProblems(), ['PostgreSQL migrations_pending']);
  const name = new URL(url).pathname.slice(1);
  await client.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  t.same(await findProblems(), ['PostgreSQL postgres_read_only', 'PostgreSQL migrations_pending']);
});

t.test(
  'a Redis that may lose or evict jobs is a problem in production, and a warning where that is allowed',
  async (t) => {
    const backing = await withBacking(t);
    const weak = await withRedis(t, {
      settings: { 'no-appendfsync-on-rewrite': 'yes', 'maxmemory-policy': 'allkeys-lru' },
    });
    const none = await withRedis(t, { settings: { appendonly: 'no' } });
    const settings = { ...settingsOf(backing), ...secret, OPEN_REGISTRATION: 'false', QUEUE_REDIS_URL: weak.queueUrl };
    const production = { ...settings, NODE_ENV: 'production' };
    const levels = async (given: Record<string, string>) => {
      const { findings } = await runDoctor(t, given);
      return findings
        .filter(({ code }) => /^queue_(not_durable|evicts_jobs)/.test(code))
        .map(({ code, level }) => `${code} ${level}`);
    };
    t.same(await levels(production), ['queue_not_durable problem', 'queue_evicts_jobs problem']);
    t.same(await levels(settings), ['queue_not_durable warning', 'queue_evicts_jobs warning']);
    t.same(await levels({ ...production, ALLOW_WEAK_DURABILITY: 'yes' }), await levels(settings));
    t.same(await levels({ ...production, QUEUE_REDIS_URL: none.queueUrl }), ['queue_not_durable problem']);
  },
);

t.test(
  'a PostgreSQL that may lose commits is a problem in production, and a warning where that is allowed',
  async (t) => {
    const settings = { ...settingsOf(await withBacking(t)), ...secret, OPEN_REGISTRATION: 'false' };
    const levels = async (given: Record<string, string>) => {
      const { findings } = await runDoctor(t, { ...settings, ...given });
      return new Set(findings.filter(({ code }) => code === 'postgres_not_durable').map(({ level }) => level));
    };
    t.same(await levels({}), new Set(['warning']));
    t.same(await levels({ NODE_ENV: 'production' }), new Set(['problem']));
    t.same(await levels({ NODE_ENV: 'production', ALLOW_WEAK_DURABILITY: 'true' }), new Set(['warning']));
  },
);

t.test('doctor warns when the queue and the cache share a Redis with too little memory', withOneRedis, async (t) => {
  const backing = await withBacking(t);
  const full = await withRedis(t, { settings: { maxmemory: '1mb' } });
  const urls = { QUEUE_REDIS_URL: full.queueUrl, CACHE_REDIS_URL: full.cacheUrl };
  const settings = { ...settingsOf(backing), ...secret, ...urls, NODE_ENV: 'production', OPEN_REGISTRATION: 'false' };
  const { wrong } = await runDoctor(t, settings);
  t.same(withoutChecks(wrong, /postgres_not_durable|no_workers/), [
    "the queue's Redis queue_memory_low",
    "the cache's Redis cache_never_evicts",
    "the cache's Redis roles_share_a_redis",
  ]);
});

t.test('doctor reports a Redis that hides its settings, denies a check or cannot save', withOneRedis, async (t) => {
  const backing = await withBacking(t);
  const { redis, cacheRedis } = backing;
  await cacheRedis.call('ACL', 'SETUSER', 'shy', 'on', '>secret', '~*', '&*', '+@all', '-config');
  await cacheRedis.call('ACL', 'SETUSER', 'mute', 'on', '>secret', '~*', '&*', '+@all', '-config', '-time');
  const [, dir = ''] = (await cacheRedis.config('GET', 'dir')) as string[];
  await mkdir(join(dir, 'dump.rdb'));
  await cacheRedis.bgsave();
  await waitUntil('saving has failed', async () =>
    /rdb_last_bgsave_status:err/.test(await cacheRedis.info('persistence')),
  );
  const as = (user: string) => `redis://${user}:secret@127.0.0.1:${redis.port}/0`;
  const { wrong } = await runDoctor(t, {
    ...settingsOf(backing),
    ...secret,
    QUEUE_REDIS_URL: as('shy'),
    CACHE_REDIS_URL: as('mute'),
  });
  t.same(withoutChecks(wrong, /postgres_not_durable|no_workers/), [
    "the queue's Redis redis_cannot_write",
    "the queue's Redis redis_settings_unreadable",
    "the cache's Redis check_failed",
  ]);
});

/** Takes the next job like a worker, so that a test can fail it or drop its lock. */
async function takeJob(t: Test, { config }: Backing) {
  const worker = new Worker(updatesQueue, null, {
    connection: { url: config.QUEUE_REDIS_URL, maxRetriesPerRequest: null },
    prefix: queuePrefix(config.QUEUE_PREFIX),
  });
  worker.on('error', () => undefined);
  t.teardown(() => worker.close());
  const taken = await worker.getNextJob('a token');
  if (!taken) throw new Error('there was no job');
  const dropLock = async () => {
    const redis = new Redis(config.QUEUE_REDIS_URL);
    await redis.del(worker.toKey(`${taken.id}:lock`));
    redis.disconnect();
  };
  return { taken, dropLock };
}

t.test('doctor finds a paused or full queue, and failed, stalled and old jobs', withOneRedis, async (t) => {
  const backing = await withBacking(t);
  const { producer, config, log } = backing;
  const fallback = openFallbackQueue(directDatabaseUrl(config), log);
  t.teardown(() => fallback.close());
  await producer.queues.first.add('apply-updates', job(1));
  await (await takeJob(t, backing)).taken.moveToFailed(new UnrecoverableError('poison'), 'a token');
  await producer.queues.first.add('apply-updates', job(2));
  await (await takeJob(t, backing)).dropLock();
  await producer.queues.first.add('apply-updates', job(3), { timestamp: Date.now() - 3_600_000 });
  await producer.queues.first.pause();
  await fallback.add([job(4), job(5), job(6)]);
  await backing.db.raw(`UPDATE bullmq.job SET state = 'failed' WHERE id = (SELECT min(id) FROM bullmq.job)`);
  const { wrong, findings } = await runDoctor(t, { ...settingsOf(backing), ...secret, MAX_BACKLOG: '1' });
  t.same(withoutChecks(wrong, /PostgreSQL postgres_not_durable/), [
    'the queue in PostgreSQL queue_full',
    'the queue in PostgreSQL jobs_failed',
    'the queue no_workers',
    'the queue queue_paused',
    'the queue queue_full',
    'the queue queue_slow',
    'the queue jobs_stalled',
    'the queue jobs_failed',
  ]);
  const said = findings.map(({ message }) => message).join('\n');
  t.match(said, /\d+ % of MAX_BACKLOG: 1 waiting, 1 active, 0 to be retried, 1 failed; the oldest is 36\d\d\.\d s old/);
  t.match(said, /2 waiting, 0 active, 0 to be retried, 1 failed/);
});

t.test('doctor reports an API that rejects updates because of its own, lower MAX_BACKLOG', async (t) => {
  const backing = await withBacking(t);
  const { address } = await withApi(t, backing, { MAX_BACKLOG: '1' });
  await backing.producer.enqueueAll([job(1), job(2)]);
  const isFull = async () => {
    const health = await (await fetch(`${address}/api/health`)).json();
    return (health as { checks: { queue: { full: boolean } } }).checks.queue.full;
  };
  await waitUntil('the queue is full', isFull);
  const { wrong } = await runDoctor(t, { ...settingsOf(backing), ...secret }, address);
  t.same(withoutChecks(wrong, /PostgreSQL postgres_not_durable/), ['the queue no_workers', 'the API queue_full']);
});

t.test('doctor compares the local clock with every server', async (t) => {
  const backing = await withBacking(t);
  const { address } = await withApi(t, backing);
  const folder = await withFolder(t);
  const shift = join(folder, 'ten-minutes-late.mjs');
  await writeFile(shift, 'const now = Date.now.bind(Date); Date.now = () => now() - 600_000;');
  const settings = { ...settingsOf(backing), ...secret, NODE_OPTIONS: `--import ${shift}` };
  // Spawns a process, because only its clock is to be shifted.
  const field = await withField(t, settings);
  const { findings } = readDiagnosis(t, await field.spawn(['doctor', '--json', '--url', address]).ended);
  const skewed = findings.filter(({ code }) => code === 'clock_skew');
  t.same(
    skewed.map(({ subject }) => subject),
    ['PostgreSQL', "the queue's Redis", "the cache's Redis", 'the API'],
  );
  for (const { message } of skewed) t.match(message, /its clock is (599|600|601) s ahead of this machine's/);
});

t.test('doctor reports settings with which processes of this installation do not start', async (t) => {
  const backing = await withBacking(t);
  await recordRuleSettings(backing.db, { GRID_SIZE: 30, LOG_RETENTION_DAYS: 7 });
  const { wrong, findings } = await runDoctor(t, { ...settingsOf(backing), ...secret, GRID_SIZE: '40' });
  t.same(
    wrong.filter((one) => /rule_settings/.test(one)),
    ['configuration rule_settings_differ', 'configuration rule_settings_differ'],
  );
  const said = findings.map(({ message }) => message).join('\n');
  t.match(said, /GRID_SIZE is 40, but 30 in this installation/);
  t.match(said, /LOG_RETENTION_DAYS is 30, but 7 in this installation/);
});

t.test('doctor reports old versions and a nearly full disk', async (t) => {
  const { db, config } = await withBacking(t);
  const facts = { ...(await readServerSettings(db)), versionNumber: 130_012, version: '13.12' };
  const reading = { value: facts, durationMs: 1, localTimeMs: facts.now };
  const target = { url: config.DATABASE_URL, poolSize: 10 };
  const giga = 2 ** 30;
  const disk = (freeBytes: number) => evaluateDisk('PostgreSQL', { folder: '/', freeBytes, totalBytes: 1000 * giga });
  const all = [
    ...evaluateServer(reading, target),
    ...evaluateVersion("the queue's Redis", '5.0.14'),
    evaluateNode('20.18.9', '>=20.19'),
    disk(19 * giga),
  ];
  for (const { code } of all) seen.add(code);
  t.match(
    all.map(({ code }) => code).filter((code) => /old|low/.test(code)),
    ['postgres_too_old', 'redis_too_old', 'node_too_old', 'disk_low'],
  );
  const good = [...evaluateVersion("the queue's Redis", '6.2.0'), evaluateNode('22.1.0', '>=20.19'), disk(21 * giga)];
  for (const { level } of good) t.equal(level, 'ok');
});

t.test('the tests in this file produce every finding code', { ...withOneRedis, ...withoutPooler }, async (t) => {
  t.same(
    findingCodes.filter((code) => !seen.has(code)),
    [],
  );
});

/** The worker process: configuration, connections, start, shutdown. Refuses a PostgreSQL that is not durable enough. */
import { connectDatabase } from '../db/connect.ts';
import { createFieldReader } from '../db/read/field-reader.ts';
import { describeWeakCommits, readCommitDurability } from '../db/read/settings/commit-durability.ts';
import { findErasureKeyProblem } from '../db/read/settings/erasure-key.ts';
import { createRetry } from '../db/transient-errors.ts';
import { agreeOnRuleSettings } from '../db/write/agree-on-rule-settings.ts';
import { createCacheKeys } from '../shared/cache/cache-keys.ts';
import { ConfigError, loadWorkerConfig } from '../shared/config/config.ts';
import { createPseudonyms } from '../shared/history/pseudonyms.ts';
import { createProcessLogger } from '../shared/observability/process-logger.ts';
import { connectRedis } from '../shared/redis/connect.ts';
import { startBackupScheduler } from './backup/scheduler.ts';
import { startWorker } from './worker.ts';
import type { WorkerDeps } from './worker-context.ts';

async function main(): Promise<void> {
  const config = loadWorkerConfig(process.env);
  const { log, lifecycle } = createProcessLogger({ name: 'worker', config, pretty: process.stdout.isTTY });
  await lifecycle.runStart(() => start({ config, log, lifecycle }));
}

async function start({ config, log, lifecycle }: Pick<WorkerDeps, 'config' | 'log' | 'lifecycle'>): Promise<void> {
  const db = connectDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL_SIZE,
    applicationName: 'field-worker',
    log,
  });
  lifecycle.onStop('database', () => db.destroy());
  const redis = connectRedis(config.CACHE_REDIS_URL, 'cache', log);
  lifecycle.onStop('cache', () => redis.disconnect());

  const retry = createRetry({
    signal: lifecycle.signal,
    onRetry: (err, attempt) => log.warn({ err, ...attempt }, 'waiting for the database'),
  });
  const installation = await retry(() => createFieldReader(db).readInstallation());
  if (config.isProduction && !config.ALLOW_WEAK_DURABILITY) {
    const problem = describeWeakCommits(await retry(() => readCommitDurability(db)));
    if (problem) throw new ConfigError([problem]);
  }
  await retry(() => agreeOnRuleSettings(db, config));
  const keyProblem = await retry(() => findErasureKeyProblem(db, createPseudonyms(config.ERASURE_KEY)));
  if (keyProblem) throw new ConfigError([keyProblem]);
  await startWorker({ config, log, lifecycle, db, redis, keys: createCacheKeys(config.QUEUE_PREFIX, installation) });
  startBackupScheduler({ config, log, lifecycle, db });
  log.info({ concurrency: config.WORKER_CONCURRENCY, maxConcurrentCommits: config.COMMIT_CONCURRENCY }, 'worker ready');
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});

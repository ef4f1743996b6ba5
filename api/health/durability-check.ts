/**
 * Refuses to run in production with a queue that can lose accepted updates. While its Redis is unavailable the check is
 * retried, since updates then go to PostgreSQL.
 */
import type { Config } from '../../shared/config/config.ts';
import type { Lifecycle } from '../../shared/process/lifecycle.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { retry } from '../../shared/process/retry.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';

const retryDelayMs = 1000;

interface DurabilityCheckDeps {
  readonly config: Config;
  readonly producer: UpdateProducer;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

/** @returns the configuration error, or undefined when the queue is durable or weak durability is allowed */
export async function checkQueueDurability(deps: DurabilityCheckDeps): Promise<string | undefined> {
  const { config, producer, log, lifecycle } = deps;
  if (!config.isProduction || config.ALLOW_WEAK_DURABILITY) return undefined;
  try {
    const settings = await retry(() => producer.readDurability(), {
      initialDelayMs: retryDelayMs,
      maxDelayMs: retryDelayMs,
      signal: lifecycle.signal,
      onRetry: (err) => log.debug({ err }, 'queue durability check failed; retrying'),
    });
    return describeWeakDurability(settings);
  } catch (error) {
    if (lifecycle.isStopping) return undefined;
    throw error;
  }
}

type DurabilitySettings = Awaited<ReturnType<UpdateProducer['readDurability']>>;

function describeWeakDurability({ durability, maxmemoryPolicy }: DurabilitySettings): string | undefined {
  if (durability !== 'fsync') {
    return `QUEUE_REDIS_URL: accepted updates are only as durable as "${durability}"; set appendonly yes and appendfsync always, or ALLOW_WEAK_DURABILITY=true`;
  }
  if (maxmemoryPolicy !== 'noeviction') {
    return `QUEUE_REDIS_URL: maxmemory-policy is "${maxmemoryPolicy}", so that Redis may drop updates; set noeviction, or ALLOW_WEAK_DURABILITY=true`;
  }
  return undefined;
}

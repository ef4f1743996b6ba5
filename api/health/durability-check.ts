/**
 * In production, a queue that may forget what it has accepted is refused. While its Redis is away nothing can be accepted
 * anyway, so that it is looked at as soon as it answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../shared/config/config.ts';
import type { Lifecycle } from '../../shared/process/lifecycle.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';

const retryDelayMs = 1000;

interface DurabilityCheckDeps {
  readonly config: Config;
  readonly producer: UpdateProducer;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

/** Resolves with a sentence that says what is weak, or undefined when nothing is, or when weakness is allowed. */
export async function checkQueueDurability(deps: DurabilityCheckDeps): Promise<string | undefined> {
  const { config, producer, log, lifecycle } = deps;
  if (!config.isProduction || config.ALLOW_WEAK_DURABILITY) return undefined;
  while (!lifecycle.isStopping) {
    try {
      return describeWeakDurability(await producer.readDurability());
    } catch (error) {
      log.debug({ err: error }, 'durability not known yet');
      await delay(retryDelayMs);
    }
  }
  return undefined;
}

type DurabilitySettings = Awaited<ReturnType<UpdateProducer['readDurability']>>;

function describeWeakDurability({ durability, maxmemoryPolicy }: DurabilitySettings): string | undefined {
  if (durability !== 'fsync') {
    return `QUEUE_REDIS_URL: Redis keeps accepted updates in "${durability}" only; set appendonly yes and appendfsync always, or ALLOW_WEAK_DURABILITY=true`;
  }
  if (maxmemoryPolicy !== 'noeviction') {
    return `QUEUE_REDIS_URL: maxmemory-policy is "${maxmemoryPolicy}", so that Redis may drop updates; set noeviction, or ALLOW_WEAK_DURABILITY=true`;
  }
  return undefined;
}

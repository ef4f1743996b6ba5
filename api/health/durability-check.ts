/**
 * Refuses to run in production with a queue or a PostgreSQL that can lose what it has confirmed. While the queue's Redis
 * is unavailable its check is retried, since updates then go to PostgreSQL.
 */
import { describeWeakCommits } from '../../db/read/settings/commit-durability.ts';
import type { Config } from '../../shared/config/config.ts';
import type { DurabilityMonitor } from '../../shared/durability/durability-monitor.ts';
import type { Lifecycle } from '../../shared/process/lifecycle.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { retry } from '../../shared/process/retry.ts';
import { describeWeakQueue } from '../../shared/queue/redis-health.ts';

const retryDelayMs = 1000;

interface DurabilityCheckDeps {
  readonly config: Config;
  readonly queueDurability: DurabilityMonitor;
  readonly commitDurability: DurabilityMonitor;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

/** @returns the configuration errors; none when weak durability is allowed */
export async function checkDurability(deps: DurabilityCheckDeps): Promise<readonly string[]> {
  const { config, queueDurability, commitDurability, lifecycle } = deps;
  if (!config.isProduction || config.ALLOW_WEAK_DURABILITY) return [];
  try {
    const weakCommits = describeWeakCommits(await readWithRetry(deps, commitDurability));
    // A problem is reported at once, even while the queue's Redis is unavailable.
    const weakQueue = weakCommits
      ? await queueDurability.refresh().then(describeWeakQueue, () => undefined)
      : describeWeakQueue(await readWithRetry(deps, queueDurability));
    return [weakCommits, weakQueue].filter((problem) => problem !== undefined);
  } catch (error) {
    if (lifecycle.isStopping) return [];
    throw error;
  }
}

function readWithRetry({ log, lifecycle }: DurabilityCheckDeps, monitor: DurabilityMonitor) {
  return retry(() => monitor.refresh(), {
    initialDelayMs: retryDelayMs,
    maxDelayMs: retryDelayMs,
    signal: lifecycle.signal,
    onRetry: (err) => log.debug({ err }, 'durability check failed; retrying'),
  });
}

import type { Logger } from '../../../shared/process/logger.ts';
import { FallbackQueue } from '../../../shared/queue/fallback-queue.ts';

/** The fallback queue as a test fills it: on a busy machine, PostgreSQL may take longer than a request would wait. */
export function openFallbackQueue(databaseUrl: string, log: Logger): FallbackQueue {
  return new FallbackQueue(databaseUrl, log, { writeTimeoutMs: 20_000 });
}

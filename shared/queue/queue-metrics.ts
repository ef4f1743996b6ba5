/** How much waits in either queue and for how long, looked at when the process is scraped. */
import { Gauge, type Registry } from 'prom-client';
import { cacheFor } from '../observability/health-check.ts';
import type { QueueStats } from './queue-stats.ts';

export const queueNames = ['redis', 'postgres'] as const;
export const jobStates = ['waiting', 'active', 'delayed', 'failed'] as const;

type QueueName = (typeof queueNames)[number];
type StatsByQueue = Readonly<Record<QueueName, QueueStats | undefined>>;

/**
 * Every process that does so tells the same of the same queues: take the maximum of them, not the sum.
 * @param readStats undefined for a queue that does not answer, of which then nothing is told
 */
export function measureQueues(registry: Registry, readStats: () => Promise<StatsByQueue>): void {
  // Both gauges are collected at once: they share what was seen.
  const readCachedStats = cacheFor(readStats);
  const registers = [registry];
  new Gauge({
    name: 'field_queue_jobs',
    help: 'Jobs in the queue by their state; failed ones can never be applied and wait for an operator',
    labelNames: ['queue', 'state'],
    registers,
    async collect() {
      const stats = listAvailableStats(await readCachedStats());
      this.reset();
      for (const { queue, counts } of stats) {
        for (const state of jobStates) this.set({ queue, state }, counts[state] ?? 0);
      }
    },
  });
  new Gauge({
    name: 'field_queue_oldest_job_age_seconds',
    help: 'How long the oldest job that is not done has been in the queue; 0 when there is none',
    labelNames: ['queue'],
    registers,
    async collect() {
      const stats = listAvailableStats(await readCachedStats());
      this.reset();
      for (const { queue, oldestAt } of stats) {
        this.set({ queue }, oldestAt === undefined ? 0 : Math.max(0, Date.now() - oldestAt) / 1000);
      }
    },
  });
}

function listAvailableStats(statsByQueue: StatsByQueue): ({ readonly queue: QueueName } & QueueStats)[] {
  return queueNames.flatMap((queue) => {
    const stats = statsByQueue[queue];
    return stats ? [{ queue, ...stats }] : [];
  });
}

/** Metrics of the queues, which are read when a process is scraped. */
import { Gauge, type Registry } from 'prom-client';
import { shareBriefly } from '../observability/health-check.ts';
import { jobStates, type QueueStats } from './queue-stats.ts';

export const queueNames = ['redis', 'postgres'] as const;

type QueueName = (typeof queueNames)[number];
type StatsByQueue = Readonly<Record<QueueName, QueueStats | undefined>>;

/**
 * Registers the gauges of both queues. Every process reports the same queues: aggregate with the maximum, not with the sum.
 * @param readStats resolves with undefined for a queue that does not answer; its series are then absent
 */
export function measureQueues(registry: Registry, readStats: () => Promise<StatsByQueue>): void {
  // Both gauges are collected by one scrape, so they share one reading.
  const readSharedStats = shareBriefly(readStats);
  const registers = [registry];
  new Gauge({
    name: 'field_queue_jobs',
    help: 'Jobs in the queue, by state; failed jobs can never be applied and wait for an operator',
    labelNames: ['queue', 'state'],
    registers,
    async collect() {
      const available = listAvailableStats(await readSharedStats());
      this.reset();
      for (const { queue, stats } of available) {
        for (const state of jobStates) this.set({ queue, state }, stats[state]);
      }
    },
  });
  new Gauge({
    name: 'field_queue_oldest_job_age_seconds',
    help: 'Time since the oldest unfinished job was added; 0 if there is none',
    labelNames: ['queue'],
    registers,
    async collect() {
      const available = listAvailableStats(await readSharedStats());
      this.reset();
      for (const { queue, stats } of available) {
        this.set({ queue }, stats.oldestAt === null ? 0 : Math.max(0, Date.now() - stats.oldestAt) / 1000);
      }
    },
  });
}

function listAvailableStats(statsByQueue: StatsByQueue) {
  return queueNames.flatMap((queue) => {
    const stats = statsByQueue[queue];
    return stats ? [{ queue, stats }] : [];
  });
}

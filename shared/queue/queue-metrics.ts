/** How much waits in either queue and for how long, looked at when the process is scraped. */
import { Gauge, type Registry } from 'prom-client';
import { rememberBriefly } from '../observability/health-check.ts';
import type { QueueLook } from './queue-stats.ts';

export const queueNames = ['redis', 'postgres'] as const;
export const jobStates = ['waiting', 'active', 'delayed', 'failed'] as const;

type QueueName = (typeof queueNames)[number];
type Looks = Readonly<Record<QueueName, QueueLook | undefined>>;

/**
 * Every process that does so tells the same of the same queues: take the maximum of them, not the sum.
 * @param look undefined for a queue that does not answer, of which then nothing is told
 */
export function measureQueues(registry: Registry, look: () => Promise<Looks>): void {
  // Both gauges are collected at once: they share what was seen.
  const lookBriefly = rememberBriefly(look);
  const registers = [registry];
  new Gauge({
    name: 'field_queue_jobs',
    help: 'Jobs in the queue by their state; failed ones can never be applied and wait for an operator',
    labelNames: ['queue', 'state'],
    registers,
    async collect() {
      const seen = answered(await lookBriefly());
      this.reset();
      for (const { queue, counts } of seen) {
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
      const seen = answered(await lookBriefly());
      this.reset();
      for (const { queue, oldestAt } of seen) {
        this.set({ queue }, oldestAt === undefined ? 0 : Math.max(0, Date.now() - oldestAt) / 1000);
      }
    },
  });
}

function answered(looks: Looks): ({ readonly queue: QueueName } & QueueLook)[] {
  return queueNames.flatMap((queue) => {
    const seen = looks[queue];
    return seen ? [{ queue, ...seen }] : [];
  });
}

/** Looks at what the API stands on: PostgreSQL, the two Redis roles, and whether any worker is there. */
import type { Redis } from 'ioredis';
import type { FieldReader } from '../db/field-reader.ts';
import type { UpdateProducer } from '../shared/update-queue.ts';

const limitMs = 2000;
const freshMs = 500;

export interface Check {
  status: 'up' | 'down';
  latencyMs: number;
  /** Jobs that wait or are being worked on. */
  backlog?: number;
  /** Worker processes that are connected. */
  count?: number;
}

export interface Health {
  status: 'healthy' | 'degraded' | 'unhealthy';
  canWrite: boolean;
  canRead: boolean;
  checks: { database: Check; cache: Check; queue: Check; workers: Check };
}

export interface HealthSources {
  readonly reader: FieldReader;
  readonly cacheRedis: Redis;
  readonly producer: UpdateProducer;
}

/** The check, whose answer serves all who ask within half a second. */
export function createHealthCheck(sources: HealthSources): () => Promise<Health> {
  let latest: { health: Promise<Health>; at: number } | undefined;
  return () => {
    const now = Date.now();
    if (!latest || now - latest.at > freshMs) latest = { health: checkHealth(sources), at: now };
    return latest.health;
  };
}

async function checkHealth({ reader, cacheRedis, producer }: HealthSources): Promise<Health> {
  const [database, cache, queue, workers] = await Promise.all([
    measure(() => reader.ping().then(() => ({}))),
    measure(() => cacheRedis.ping().then(() => ({}))),
    measure(async () => ({ backlog: await producer.queue.getJobCountByTypes('waiting', 'active', 'delayed') })),
    measure(async () => ({ count: await producer.queue.getWorkersCount() })),
  ]);
  // No worker is a matter of time: updates are taken in, and wait.
  if (workers.count === 0) workers.status = 'down';
  // While the queue's Redis is away, PostgreSQL takes its place.
  const canWrite = queue.status === 'up' || database.status === 'up';
  const canRead = database.status === 'up' || cache.status === 'up';
  const checks = { database, cache, queue, workers };
  const isWhole = Object.values(checks).every(({ status }) => status === 'up');
  const status = !canWrite || !canRead ? 'unhealthy' : isWhole ? 'healthy' : 'degraded';
  return { status, canWrite, canRead, checks };
}

async function measure(look: () => Promise<Partial<Check>>): Promise<Check> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const facts = await Promise.race([look(), timeout]);
    return { status: 'up', latencyMs: latency(), ...facts };
  } catch {
    return { status: 'down', latencyMs: latency() };
  } finally {
    clearTimeout(timer);
  }
}

/** Makes the parts that the routes share, from ready connections. */

import { toTokenIdentity } from '../shared/auth/revocation-list.ts';
import { RevocationPoller } from '../shared/auth/revocation-poller.ts';
import { FieldCache } from '../shared/cache/field-cache.ts';
import { measureDependencies, measurePool } from '../shared/observability/process-metrics.ts';
import { measureQueues } from '../shared/queue/queue-metrics.ts';
import { AdmissionControl } from './admission/admission-control.ts';
import { CounterGapCheck } from './admission/counter-gap-check.ts';
import type { Connections } from './connections.ts';
import { createHealthCheck, type Health } from './health/health-check.ts';
import { type ApiMetrics, createMetrics, measureStreamBuffers } from './metrics.ts';
import { createRateLimits, type RateLimits } from './rate-limits/rate-limits.ts';
import { RedisSubscriber } from './redis-subscriber.ts';
import { LatestVersions } from './state/latest-versions.ts';
import { Presence } from './state/presence.ts';
import { StateReader } from './state/state-reader.ts';
import { StreamHub } from './streaming/stream-hub.ts';
import { StreamRegistry } from './streaming/transports/stream-registry.ts';
import { type AcceptUpdates, createAcceptUpdates } from './updates/accept-updates.ts';
import { PendingReplies } from './updates/pending-replies.ts';

export interface Services {
  readonly limits: RateLimits;
  readonly metrics: ApiMetrics;
  readonly versions: LatestVersions;
  readonly presence: Presence;
  readonly states: StateReader;
  readonly replies: PendingReplies;
  readonly hub: StreamHub;
  readonly streams: StreamRegistry;
  readonly admission: AdmissionControl;
  readonly acceptUpdates: AcceptUpdates;
  readonly checkHealth: () => Promise<Health>;
  /** Stops what runs by itself. */
  close(): void;
}

export function createServices(connections: Connections): Services {
  const { config, log, reader, producer, cacheRedis, subscriberRedis, keys, revocations } = connections;
  const metrics = createMetrics();
  const cache = new FieldCache(cacheRedis, keys, config.CACHE_TTL_SECONDS);
  const versions = new LatestVersions(cache);
  const presence = new Presence(cacheRedis, keys);
  const states = new StateReader({ cache, reader, log });
  const redisSubscriber = new RedisSubscriber(subscriberRedis, log);
  const replies = new PendingReplies(redisSubscriber, keys);
  const hub = new StreamHub({ states, reader, presence, metrics, log, redisSubscriber, keys, versions });
  const limits = createRateLimits(config, cacheRedis, keys.limitPrefix);
  const streams = new StreamRegistry({
    streamLimiter: limits.streams,
    onChange: (transport, change) => metrics.streams.inc({ transport }, change),
    isRevoked: (claims) => revocations.isRevoked(toTokenIdentity(claims)),
  });
  const revocationPoller = new RevocationPoller({
    list: revocations,
    read: connections.readRevocations,
    log,
    onChange: () => streams.closeRevoked(),
  });
  revocationPoller.start();
  void redisSubscriber.subscribe(keys.revocationChannel, () => void revocationPoller.poll());
  measureStreamBuffers(metrics, () => streams.bufferedBytes());
  const onBacklogCount = (waiting: number) => metrics.backlog.set(waiting);
  const { MAX_BACKLOG: maxJobs, MAX_QUEUE_MEMORY_MB: maxQueueMemoryMb } = config;
  const admission = new AdmissionControl({ producer, maxJobs, maxQueueMemoryMb, log, onBacklogCount });
  admission.start();
  const counterGapCheck = new CounterGapCheck(reader);
  const checkHealth = createHealthCheck({ reader, cacheRedis, producer, admission });
  metrics.backlogLimit.set(config.MAX_BACKLOG);
  measureDependenciesAndQueues(metrics, connections, checkHealth);
  return {
    limits,
    metrics,
    versions,
    presence,
    states,
    replies,
    hub,
    streams,
    admission,
    acceptUpdates: createAcceptUpdates({
      producer,
      revocations,
      limits,
      admission,
      counterGapCheck,
      versions,
      presence,
      metrics,
    }),
    checkHealth,
    close() {
      revocationPoller.close();
      limits.close();
      admission.close();
      hub.close();
      streams.close();
      redisSubscriber.close();
    },
  };
}

/** What is looked at only when somebody asks for the metrics. */
function measureDependenciesAndQueues(
  { registry }: ApiMetrics,
  connections: Connections,
  check: () => Promise<Health>,
): void {
  measurePool(registry, connections.readPoolUse);
  measureQueues(registry, () => connections.producer.readStats());
  measureDependencies(registry, async () => {
    const { database, queue, cache } = (await check()).checks;
    return { postgres: database.status === 'up', queue: queue.status === 'up', cache: cache.status === 'up' };
  });
}

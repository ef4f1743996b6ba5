/** Makes the parts that the routes share, from ready connections. */

import { identityOf } from '../shared/auth/revocation-list.ts';
import { RevocationWatch } from '../shared/auth/revocation-poller.ts';
import { FieldCache } from '../shared/cache/field-cache.ts';
import { measureDependencies, measurePool } from '../shared/observability/process-metrics.ts';
import { measureQueues } from '../shared/queue/queue-metrics.ts';
import { Backlog } from './admission/admission-control.ts';
import { CounterLeads } from './admission/counter-gap-check.ts';
import type { Connections } from './connections.ts';
import { createHealthCheck, type Health } from './health/health-check.ts';
import { type ApiMetrics, createMetrics, measureStreamBuffers } from './metrics.ts';
import { createLimits, type Limits } from './rate-limits/rate-limits.ts';
import { ChannelSubscriber } from './redis-subscriber.ts';
import { KnownVersions } from './state/latest-versions.ts';
import { Presence } from './state/presence.ts';
import { StateReader } from './state/state-reader.ts';
import { FieldHub } from './streaming/stream-hub.ts';
import { OpenStreams } from './streaming/transports/stream-registry.ts';
import { type AcceptUpdates, createAcceptUpdates } from './updates/accept-updates.ts';
import { Replies } from './updates/pending-replies.ts';

export interface Parts {
  readonly limits: Limits;
  readonly metrics: ApiMetrics;
  readonly versions: KnownVersions;
  readonly presence: Presence;
  readonly states: StateReader;
  readonly replies: Replies;
  readonly hub: FieldHub;
  readonly streams: OpenStreams;
  readonly backlog: Backlog;
  readonly acceptUpdates: AcceptUpdates;
  readonly checkHealth: () => Promise<Health>;
  /** Stops what runs by itself. */
  close(): void;
}

export function createParts(connections: Connections): Parts {
  const { config, log, reader, producer, cacheRedis, subscriberRedis, names, revocations } = connections;
  const metrics = createMetrics();
  const cache = new FieldCache(cacheRedis, names, config.CACHE_TTL_SECONDS);
  const versions = new KnownVersions(cache);
  const presence = new Presence(cacheRedis, names);
  const states = new StateReader({ cache, reader, log });
  const subscriber = new ChannelSubscriber(subscriberRedis, log);
  const replies = new Replies(subscriber, names);
  const hub = new FieldHub({ states, reader, presence, metrics, log, subscriber, names, versions });
  const limits = createLimits(config, cacheRedis, names.limitPrefix);
  const streams = new OpenStreams({
    counts: limits.streams,
    onChange: (transport, change) => metrics.streams.inc({ transport }, change),
    isRevoked: (claims) => revocations.isRevoked(identityOf(claims)),
  });
  const watch = new RevocationWatch({
    list: revocations,
    read: connections.readRevocations,
    log,
    onChange: () => streams.closeRevoked(),
  });
  watch.start();
  void subscriber.listen(names.revocationChannel, () => void watch.look());
  measureStreamBuffers(metrics, () => streams.bufferedBytes());
  const onCount = (waiting: number) => metrics.backlog.set(waiting);
  const { MAX_BACKLOG: maxJobs, MAX_QUEUE_MEMORY_MB: maxQueueMemoryMb } = config;
  const backlog = new Backlog({ producer, maxJobs, maxQueueMemoryMb, log, onCount });
  backlog.start();
  const leads = new CounterLeads(reader);
  const checkHealth = createHealthCheck({ reader, cacheRedis, producer, backlog });
  metrics.backlogLimit.set(config.MAX_BACKLOG);
  measureStanding(metrics, connections, checkHealth);
  return {
    limits,
    metrics,
    versions,
    presence,
    states,
    replies,
    hub,
    streams,
    backlog,
    acceptUpdates: createAcceptUpdates({ producer, revocations, limits, backlog, leads, versions, presence, metrics }),
    checkHealth,
    close() {
      watch.close();
      limits.close();
      backlog.close();
      hub.close();
      streams.close();
      subscriber.close();
    },
  };
}

/** What is looked at only when somebody asks for the metrics. */
function measureStanding({ registry }: ApiMetrics, connections: Connections, check: () => Promise<Health>): void {
  measurePool(registry, connections.readPoolUse);
  measureQueues(registry, () => connections.producer.look());
  measureDependencies(registry, async () => {
    const { database, queue, cache } = (await check()).checks;
    return { postgres: database.status === 'up', queue: queue.status === 'up', cache: cache.status === 'up' };
  });
}

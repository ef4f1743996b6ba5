/** An API process: the real state reader, stream hub, receipts and acceptance of updates, on connections to the models. */
import { CounterGapCheck } from '../../../api/admission/counter-gap-check.ts';
import { Presence } from '../../../api/presence/presence.ts';
import { RedisSubscriber } from '../../../api/redis-subscriber.ts';
import { ServerClock } from '../../../api/server-clock.ts';
import { LatestVersions } from '../../../api/state/latest-versions.ts';
import { createStateLoader } from '../../../api/state/loading/state-loader.ts';
import { StateReader } from '../../../api/state/state-reader.ts';
import { StreamHub } from '../../../api/streaming/stream-hub.ts';
import { type AcceptUpdates, createAcceptUpdates } from '../../../api/updates/accept-updates.ts';
import { PendingReplies } from '../../../api/updates/pending-replies.ts';
import type { FieldReader } from '../../../db/read/field-reader.ts';
import { RevocationList } from '../../../shared/auth/revocation-list.ts';
import { createCacheKeys } from '../../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../../shared/cache/field-cache.ts';
import type { ApplyUpdates } from '../../../shared/contract/job.ts';
import type { Durability } from '../../../shared/contract/messages.ts';
import { FieldError } from '../../../shared/errors.ts';
import { retry } from '../../../shared/process/retry.ts';
import { getPartition } from '../../../shared/queue/partitions.ts';
import { SimProcess } from '../kernel/sim-process.ts';
import { createModelReader } from '../models/postgres/model-reader.ts';
import { RedisConnection, SubscriberRedis } from '../models/redis/redis-connection.ts';
import { createScripts } from '../models/redis/scripts.ts';
import { apiMetrics, createLinks, type Environment, type ServerLinks, silentLog } from './environment.ts';

const cacheTtlSeconds = 86_400;
const partitionRefreshMs = 1000;
const gridSize = 30;

/** The services of an API that has started. */
export interface ApiServices {
  readonly reader: FieldReader;
  readonly clock: ServerClock;
  readonly cache: FieldCache;
  readonly states: StateReader;
  readonly presence: Presence;
  readonly hub: StreamHub;
  readonly replies: PendingReplies;
  readonly versions: LatestVersions;
  readonly acceptUpdates: AcceptUpdates;
}

export class SimApi {
  readonly name: string;
  readonly links: ServerLinks;
  process: SimProcess;
  readonly #environment: Environment;
  #clockOffsetMs = 0;
  /** What the peers of this process notice when it dies. */
  readonly #connections = new Set<() => void>();
  #services: ApiServices | undefined;
  /** The number of partitions that new jobs are distributed over, as last read. */
  #activePartitions = 1;

  constructor(name: string, environment: Environment) {
    this.name = name;
    this.#environment = environment;
    this.links = createLinks(environment);
    this.process = new SimProcess(name);
  }

  /** Undefined before it has started and after it was killed. */
  get services(): ApiServices | undefined {
    return this.process.state === 'killed' ? undefined : this.#services;
  }

  start(): void {
    this.process = new SimProcess(this.name, this.#clockOffsetMs);
    this.#environment.time.scheduleFor(this.process, 0, () => void this.#compose());
  }

  /** Sets the wall clock, also that of later processes. */
  stepClock(ms: number): void {
    this.#clockOffsetMs += ms;
    this.process.clockOffsetMs += ms;
  }

  kill(): void {
    this.process.kill();
    this.#services = undefined;
    const connections = [...this.#connections];
    this.#connections.clear();
    for (const onClose of connections) onClose();
  }

  /** @returns a function that removes the listener */
  onKill(listener: () => void): () => void {
    this.#connections.add(listener);
    return () => void this.#connections.delete(listener);
  }

  async #compose(): Promise<void> {
    const { time, postgres, cacheRedis, variants } = this.#environment;
    const { links } = this;
    const modelReader = createModelReader(postgres, links.postgres);
    const installation = await retry(() => modelReader.readInstallation());
    const clock = new ServerClock({ readTime: () => links.postgres.request(() => postgres.now()), log: silentLog });
    await retry(() => clock.read());
    clock.start();
    const keys = createCacheKeys('simulation', installation);
    const scripts = createScripts(variants.decideOnCopy);
    const connection = { time, server: cacheRedis, link: links.cache, scripts };
    const redis = new RedisConnection(connection);
    const cache = new FieldCache(redis, keys, cacheTtlSeconds);
    const reader = variants.reader(modelReader, cache);
    const versions = new LatestVersions(cache);
    const states = new StateReader({ cache, reader, loader: createStateLoader(reader), log: silentLog });
    const redisSubscriber = new RedisSubscriber(new SubscriberRedis(connection), silentLog);
    const replies = new PendingReplies(redisSubscriber, keys);
    const presence = new Presence({ redis, redisSubscriber, keys, clock, gridSize, log: silentLog });
    const shared = { clock, states, reader, presence, versions, metrics: apiMetrics, log: silentLog };
    const hub = new StreamHub({ ...shared, redisSubscriber, keys, gridSize, traceDelivery: undefined });
    const acceptUpdates = createAcceptUpdates({
      ...shared,
      producer: { enqueue: (job) => this.#enqueue(job) },
      limits: { updates: { consume: () => undefined } },
      admission: { trackEnqueue: (_bytes, enqueue) => enqueue() },
      counterGapCheck: new CounterGapCheck(reader),
      newcomerLimits: { charge: () => Promise.resolve() },
      revocations: new RevocationList(),
      clock: postgres,
    });
    const { queue } = this.#environment;
    setInterval(() => {
      const read = this.links.queue.request(() => queue.readCounts());
      read.then(
        ({ active }) => {
          this.#activePartitions = active;
        },
        () => undefined,
      );
    }, partitionRefreshMs);
    this.#services = { reader, clock, cache, states, presence, hub, replies, versions, acceptUpdates };
  }

  /** As the producer does: to the fallback queue when the first one does not answer, which may have taken the job too. */
  async #enqueue(job: ApplyUpdates): Promise<Durability> {
    const { queue, fallbackQueue } = this.#environment;
    try {
      await this.links.queue.request(() => queue.add(getPartition(job.field, this.#activePartitions), job));
      return 'fsync';
    } catch {
      try {
        await this.links.postgres.request(() => fallbackQueue.add(0, job));
        return 'postgres';
      } catch (cause) {
        throw new FieldError('queue_unavailable', { retryAfterSeconds: 1, cause });
      }
    }
  }
}

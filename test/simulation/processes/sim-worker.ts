/** A worker: the real leases, committer, job processor and republishing, on connections to the models. */
import { createRetry } from '../../../db/transient-errors.ts';
import { RevocationList } from '../../../shared/auth/revocation-list.ts';
import { createCacheKeys } from '../../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../../shared/cache/field-cache.ts';
import { defaultDeadlineMs } from '../../../shared/process/lifecycle.ts';
import { retry } from '../../../shared/process/retry.ts';
import { Committer } from '../../../workers/commit/committer.ts';
import { LowPriorityThrottle } from '../../../workers/commit/low-priority-throttle.ts';
import { type Consumer, PartitionConsumers } from '../../../workers/consume/partition-consumers.ts';
import { createJobProcessor, type ProcessJob } from '../../../workers/job-processor.ts';
import type { LeaseServers } from '../../../workers/leases/lease-servers.ts';
import { PartitionLeases } from '../../../workers/leases/partition-leases.ts';
import { republish } from '../../../workers/maintenance/republish.ts';
import { SimProcess } from '../kernel/sim-process.ts';
import { ModelLeaseSession } from '../models/leases/model-session.ts';
import { createRepublishStore, flushSnapshots, pruneLogs } from '../models/postgres/maintenance.ts';
import { createModelReader } from '../models/postgres/model-reader.ts';
import { createModelStore } from '../models/postgres/model-store.ts';
import { RedisConnection } from '../models/redis/redis-connection.ts';
import { createScripts } from '../models/redis/scripts.ts';
import { createLinks, type Environment, type ServerLinks, silentLog, workerMetrics } from './environment.ts';
import { openWorkerConsumer, type WorkerConsumerDeps } from './worker-consumer.ts';

const cacheTtlSeconds = 86_400;
const snapshotEvery = 40;
const gridSize = 30;

/** The parts of a worker that has started. */
interface WorkerParts {
  readonly cache: FieldCache;
  readonly consumers: PartitionConsumers;
  readonly leases: PartitionLeases;
  /** Aborted when the worker begins to stop. */
  readonly stopping: AbortController;
}

export class SimWorker {
  readonly name: string;
  readonly links: ServerLinks;
  process: SimProcess;
  readonly #environment: Environment;
  #clockOffsetMs = 0;
  /** What others notice when the process dies. */
  #onKill: (() => void)[] = [];
  #parts: WorkerParts | undefined;
  #session: ModelLeaseSession | undefined;

  constructor(name: string, environment: Environment) {
    this.name = name;
    this.#environment = environment;
    this.links = createLinks(environment);
    this.process = new SimProcess(name);
  }

  get hasStarted(): boolean {
    return this.#parts !== undefined;
  }

  /** The partitions that it reads. */
  get partitions(): readonly number[] {
    return this.#parts?.consumers.partitions ?? [];
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
    for (const notice of this.#onKill) notice();
    this.#onKill = [];
    this.#parts = undefined;
    this.#session = undefined;
  }

  /** Whether it hands its partitions over, to end then. */
  get isStopping(): boolean {
    return this.#parts?.stopping.signal.aborted ?? false;
  }

  /** PostgreSQL ends the session that holds its leases. */
  loseSession(): void {
    if (this.#session) this.#environment.postgres.leases.end(this.#session.id);
  }

  /** Hands its partitions over, as when it is asked to stop, and ends. */
  stop(): void {
    const { process } = this;
    const { time } = this.#environment;
    const end = () => {
      if (this.process === process) this.kill();
    };
    time.scheduleFor(undefined, defaultDeadlineMs, end);
    time.scheduleFor(process, 0, () => {
      if (!this.#parts) return end();
      this.#parts.stopping.abort();
      this.#parts.leases.close().then(end, end);
    });
  }

  /** Runs the maintenance tasks that a scheduler gives to one of the workers. */
  maintain(task: 'republish' | 'flush-snapshots' | 'prune-logs', retentionMs = 0): void {
    const { postgres, time, variants } = this.#environment;
    const parts = this.#parts;
    if (!parts || this.process.state !== 'running') return;
    const { postgres: link } = this.links;
    time.scheduleFor(this.process, 0, () => {
      const run = () => {
        if (task === 'flush-snapshots') return flushSnapshots(postgres, link);
        if (task === 'prune-logs') return pruneLogs(postgres, link, variants.retentionClock(postgres) - retentionMs);
        return variants.republishes ? republish(createRepublishStore(postgres, link), parts.cache) : Promise.resolve(0);
      };
      run().catch(() => undefined);
    });
  }

  async #compose(): Promise<void> {
    const { time, postgres, cacheRedis, queue, fallbackQueue, variants } = this.#environment;
    const { links } = this;
    const reader = createModelReader(postgres, links.postgres);
    const installation = await retry(() => reader.readInstallation());
    const scripts = createScripts(variants.decideOnCopy);
    const redis = new RedisConnection({ time, server: cacheRedis, link: links.cache, scripts });
    const cache = new FieldCache(redis, createCacheKeys('simulation', installation), cacheTtlSeconds);
    const stopping = new AbortController();
    const processJob = this.#createJobProcessor(cache, stopping.signal);
    const consumers = new PartitionConsumers({
      log: silentLog,
      openConsumer: (partition) =>
        this.#openConsumer({ queue, link: links.queue, processJob, reclaims: true }, partition),
    });
    const leases = new PartitionLeases({ servers: this.#createLeaseServers(), log: silentLog, consumers });
    this.#parts = { cache, consumers, leases, stopping };
    this.#openConsumer({ queue: fallbackQueue, link: links.postgres, processJob, reclaims: false }, 0);
    await leases.start();
  }

  #createJobProcessor(cache: FieldCache, signal: AbortSignal): ProcessJob {
    const { postgres, queue, variants } = this.#environment;
    const { links } = this;
    const committer = new Committer({
      store: variants.store(createModelStore(postgres, links.postgres, variants), postgres),
      cache,
      log: silentLog,
      retry: createRetry({ signal, onRetry: () => undefined }),
      maxConcurrentCommits: 2,
      snapshotOptions: { snapshotEvery },
      onCommit: () => undefined,
    });
    return createJobProcessor({
      throttle: new LowPriorityThrottle({ committer }),
      cache,
      log: silentLog,
      metrics: workerMetrics,
      tracer: undefined,
      revocations: new RevocationList(),
      checkRevocations: () => Promise.resolve(),
      gridSize,
      readGridSize: () => Promise.resolve(gridSize),
      requeueIndividually: async (jobs) => {
        await links.queue.request(() => {
          for (const job of jobs) queue.add(0, job);
        });
      },
    });
  }

  #openConsumer(deps: Omit<WorkerConsumerDeps, 'time' | 'process'>, partition: number): Consumer {
    const { time } = this.#environment;
    const consumer = openWorkerConsumer({ time, process: this.process, ...deps }, partition);
    this.#onKill.push(() => consumer.drop());
    return consumer;
  }

  #createLeaseServers(): LeaseServers {
    const { time, queue, variants } = this.#environment;
    const { links, process } = this;
    const { host, link, checkWritable } = variants.leasing(this.#environment, { links, process });
    return {
      connect: () => Promise.resolve(),
      openSession: (events) => {
        const session = new ModelLeaseSession({ time, host, link, process }, events);
        this.#session = session;
        this.#onKill.push(() => session.dropConnection());
        return session.open();
      },
      checkWritable,
      reportWorkers: (workers, mayLower) => links.queue.request(() => queue.reportWorkers(workers, mayLower)),
    };
  }
}

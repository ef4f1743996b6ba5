/** A worker: the real committer, job processor and republishing, on connections to the models. */
import { createRetry } from '../../../db/transient-errors.ts';
import { RevocationList } from '../../../shared/auth/revocation-list.ts';
import { createCacheKeys } from '../../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../../shared/cache/field-cache.ts';
import { retry } from '../../../shared/process/retry.ts';
import { Committer } from '../../../workers/commit/committer.ts';
import { createJobProcessor } from '../../../workers/job-processor.ts';
import { republish } from '../../../workers/maintenance/republish.ts';
import { SimProcess } from '../kernel/sim-process.ts';
import type { Consumer } from '../models/job-queue.ts';
import { createRepublishStore, flushSnapshots, pruneLogs } from '../models/postgres/maintenance.ts';
import { createModelReader } from '../models/postgres/model-reader.ts';
import { createModelStore } from '../models/postgres/model-store.ts';
import { RedisConnection } from '../models/redis/redis-connection.ts';
import { createScripts } from '../models/redis/scripts.ts';
import { createLinks, type Environment, type ServerLinks, silentLog, workerMetrics } from './environment.ts';

const cacheTtlSeconds = 86_400;
const snapshotEvery = 40;
const gridSize = 30;

/** The parts of a worker that has started. */
interface WorkerParts {
  readonly consumer: Consumer;
  readonly fallbackConsumer: Consumer;
  readonly cache: FieldCache;
}

export class SimWorker {
  readonly name: string;
  readonly links: ServerLinks;
  process: SimProcess;
  clockOffsetMs = 0;
  readonly #environment: Environment;
  readonly #onReady: () => void;
  #parts: WorkerParts | undefined;

  /** @param onReady called when the worker can take jobs */
  constructor(name: string, environment: Environment, onReady: () => void) {
    this.name = name;
    this.#environment = environment;
    this.#onReady = onReady;
    this.links = createLinks(environment);
    this.process = new SimProcess(name);
  }

  get consumer(): Consumer | undefined {
    return this.process.state === 'killed' ? undefined : this.#parts?.consumer;
  }

  get fallbackConsumer(): Consumer | undefined {
    return this.process.state === 'killed' ? undefined : this.#parts?.fallbackConsumer;
  }

  start(): void {
    this.process = new SimProcess(this.name, this.clockOffsetMs);
    this.#environment.time.scheduleFor(this.process, 0, () => void this.#compose());
  }

  kill(): void {
    const { queue, fallbackQueue } = this.#environment;
    this.process.kill();
    if (this.#parts) {
      queue.removeConsumer(this.#parts.consumer);
      fallbackQueue.removeConsumer(this.#parts.fallbackConsumer);
    }
    this.#parts = undefined;
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
    const environment = this.#environment;
    const { time, postgres, cacheRedis, variants } = environment;
    const { links, process } = this;
    const reader = createModelReader(postgres, links.postgres);
    const installation = await retry(() => reader.readInstallation());
    const scripts = createScripts(variants.decideOnCopy);
    const redis = new RedisConnection({ time, server: cacheRedis, link: links.cache, scripts });
    const cache = new FieldCache(redis, createCacheKeys('simulation', installation), cacheTtlSeconds);
    const { signal } = new AbortController();
    const committer = new Committer({
      store: variants.store(createModelStore(postgres, links.postgres, variants), postgres),
      cache,
      log: silentLog,
      retry: createRetry({ signal, onRetry: () => undefined }),
      maxConcurrentCommits: 2,
      snapshotOptions: { snapshotEvery },
      onCommit: () => undefined,
    });
    const processJob = createJobProcessor({
      committer,
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
          for (const job of jobs) environment.queue.add(0, job);
        });
      },
    });
    this.#parts = {
      consumer: { process, link: links.queue, processJob },
      fallbackConsumer: { process, link: links.postgres, processJob },
      cache,
    };
    this.#onReady();
  }
}

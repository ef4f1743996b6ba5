/** Everything that one run simulates: servers, processes and devices, and how faults on them end. */
import type { TransportName } from '../../../client/types.ts';
import { type DeviceId, type FieldId, globalField } from '../../../shared/field/ids.ts';
import type { Region } from '../../../shared/field/math/region.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { VirtualTime } from '../kernel/virtual-time.ts';
import { PostgresServer } from '../models/postgres/postgres-server.ts';
import { JobQueue } from '../models/queue/job-queue.ts';
import { RedisServer } from '../models/redis/redis-server.ts';
import { HttpCache } from './devices/http-cache.ts';
import { Ledger } from './devices/ledger.ts';
import { RawWriter } from './devices/raw-writer.ts';
import { SimDevice } from './devices/sim-device.ts';
import { Watcher } from './devices/watcher.ts';
import type { Environment, Variants } from './environment.ts';
import { SimApi } from './sim-api.ts';
import { SimWorker } from './sim-worker.ts';

/** As `workers/consume/` sets them. */
const lockMs = 10_000;
const stalledIntervalMs = { queue: 2000, fallbackQueue: 5000 };
const [republishIntervalMs, flushIntervalMs, deliverIntervalMs, cacheReadIntervalMs] = [2000, 5000, 500, 300];

export const fields: readonly FieldId[] = [globalField, 'second' as FieldId];

/** Where some of the changes of a plan are. */
const firstRegion: Region = { x0: 1, y0: 0, x1: 4, y1: 2 };

const clients: readonly {
  readonly id: string;
  readonly field: number;
  readonly transports: readonly TransportName[];
  readonly region?: Region;
}[] = [
  { id: 'anna', field: 0, transports: ['websocket', 'polling'] },
  { id: 'bert', field: 0, transports: ['websocket', 'polling'] },
  { id: 'cleo', field: 0, transports: ['polling'] },
  { id: 'dora', field: 1, transports: ['websocket', 'polling'] },
  { id: 'erik', field: 0, transports: ['websocket', 'polling'], region: firstRegion },
];

export class World {
  readonly environment: Environment;
  readonly ledger = new Ledger();
  readonly workers: readonly SimWorker[];
  readonly apis: readonly SimApi[];
  readonly devices: readonly SimDevice[];
  readonly watchers: readonly Watcher[];
  readonly rawWriters: readonly RawWriter[];
  readonly httpCache: HttpCache;
  /** Copies of the cache from every five seconds, oldest first. */
  readonly cacheCopies: ReturnType<RedisServer['copy']>[] = [];
  /** What happened, as the history of a failed run prints it. */
  readonly notes: { readonly at: number; readonly text: string }[] = [];
  isRepaired = false;
  /** Whether a server has lost something that it had confirmed. */
  hasLostData = false;
  readonly #startsAt: number;

  constructor(time: VirtualTime, random: Random, variants: Variants) {
    this.#startsAt = time.now;
    const postgres = new PostgresServer(time, random);
    this.environment = {
      time,
      random,
      postgres,
      cacheRedis: new RedisServer(time),
      queue: new JobQueue({ time, random, lockMs, stalledIntervalMs: stalledIntervalMs.queue }),
      fallbackQueue: new JobQueue({
        ...{ time, random, lockMs },
        server: postgres,
        stalledIntervalMs: stalledIntervalMs.fallbackQueue,
      }),
      variants,
    };
    const { environment, ledger } = this;
    this.workers = ['worker-1', 'worker-2', 'worker-3'].map((name) => new SimWorker(name, environment));
    this.apis = ['api-1', 'api-2'].map((name) => new SimApi(name, environment));
    const deps = { environment, apis: this.apis, ledger };
    this.devices = clients.map(
      ({ id, field, ...options }) =>
        new SimDevice({ ...options, name: id, device: id as DeviceId, field: fieldAt(field) }, deps),
    );
    this.watchers = [
      ...fields.map((field, index) => new Watcher(`watcher-${index}`, field, environment, this.apis)),
      new Watcher('regional-watcher', globalField, environment, this.apis, firstRegion),
    ];
    this.httpCache = new HttpCache(environment);
    this.rawWriters = ['raw-1', 'raw-2'].map(
      (id, index) => new RawWriter(id as DeviceId, fieldAt(index), environment, ledger),
    );
  }

  start(): void {
    const { time, queue, fallbackQueue } = this.environment;
    for (const process of [...this.workers, ...this.apis]) process.start();
    for (const device of [...this.devices, ...this.watchers]) time.scheduleFor(undefined, 20, () => device.start());
    this.every(republishIntervalMs, () => {
      for (const worker of this.workers) worker.maintain('republish');
    });
    this.every(flushIntervalMs, () => {
      this.pickWorker()?.maintain('flush-snapshots');
      this.cacheCopies.push(this.environment.cacheRedis.copy());
    });
    this.every(cacheReadIntervalMs, () => {
      for (const field of fields) this.httpCache.read(field, this.environment.random.pick(this.apis));
    });
    this.every(deliverIntervalMs, () => {
      queue.deliverAll();
      fallbackQueue.deliverAll();
    });
  }

  noteLoss(count: number, what: string): void {
    this.hasLostData = true;
    this.note(`${count} ${what} are lost`);
  }

  note(text: string): void {
    this.notes.push({ at: this.elapsedMs, text });
  }

  /** Since the start. */
  get elapsedMs(): number {
    return this.environment.time.now - this.#startsAt;
  }

  /** Repeats something that belongs to no process. */
  every(intervalMs: number, run: () => void): void {
    const { time } = this.environment;
    const repeat = () => {
      time.scheduleFor(undefined, intervalMs, repeat);
      run();
    };
    time.scheduleFor(undefined, intervalMs, repeat);
  }

  pickWorker(): SimWorker | undefined {
    const running = this.workers.filter(({ hasStarted, process }) => hasStarted && process.state === 'running');
    return running.length > 0 ? this.environment.random.pick(running) : undefined;
  }

  /** Restarts what serves requests, as after a restore. */
  restartServers(): void {
    for (const process of [...this.workers, ...this.apis]) {
      process.kill();
      process.start();
    }
  }

  /** All faults end, but clocks stay where they are, and a server that stalls works off its requests when that is over. */
  repair(): void {
    const { time, postgres, cacheRedis, queue } = this.environment;
    this.isRepaired = true;
    for (const server of [postgres, queue]) server.isUp = true;
    if (!cacheRedis.isUp) cacheRedis.start(new Map());
    queue.duplication = 0;
    queue.reorderMs = 0;
    for (const worker of this.workers) if (worker.isStopping) worker.kill();
    for (const process of [...this.workers, ...this.apis]) {
      for (const link of Object.values(process.links)) link.repair();
      if (process.process.state === 'killed') process.start();
      time.resume(process.process);
    }
    for (const device of this.devices) {
      device.network.repair();
      device.storage.isFull = false;
      device.storage.slownessMs = 0;
      if (device.process.state === 'killed') device.start();
      time.resume(device.process);
    }
    for (const { network } of this.watchers) network.repair();
    if (this.hasLostData) for (const writer of this.rawWriters) writer.repeatAll();
  }
}

function fieldAt(index: number): FieldId {
  return fields[index % fields.length] ?? globalField;
}

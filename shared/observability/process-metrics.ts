/**
 * Metrics that every process exports: memory, CPU and event loop, the connection pool, and the availability of its dependencies.
 * They are collected only when scraped.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export const dependencies = ['postgres', 'queue', 'cache'] as const;
export type Dependency = (typeof dependencies)[number];

export interface PoolUsage {
  readonly used: number;
  readonly free: number;
  /** Queries waiting for a connection. */
  readonly waiting: number;
  readonly max: number;
}

/**
 * How often the delay of the event loop is sampled, in ms. Every sample wakes the process up, and the default of 10 causes most of
 * the work of an idle one. The reported delays include this interval.
 */
const eventLoopSampleMs = 100;

export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopSampleMs });
  return registry;
}

/** @param probe must not reject */
export function measureDependencies(registry: Registry, probe: () => Promise<Readonly<Record<Dependency, boolean>>>) {
  new Gauge({
    name: 'field_dependency_up',
    help: 'Whether this process reaches PostgreSQL and the two Redis roles',
    labelNames: ['dependency'],
    registers: [registry],
    async collect() {
      const isUp = await probe();
      for (const dependency of dependencies) this.set({ dependency }, isUp[dependency] ? 1 : 0);
    },
  });
}

/** @param isWeak by dependency, whether its settings allow confirmed writes to be lost */
export function measureDurability(registry: Registry, isWeak: Readonly<Partial<Record<Dependency, () => boolean>>>) {
  new Gauge({
    name: 'field_durability_weak',
    help: 'Whether a server may lose confirmed writes, as its settings say',
    labelNames: ['dependency'],
    registers: [registry],
    collect() {
      for (const [dependency, read] of Object.entries(isWeak)) this.set({ dependency }, read() ? 1 : 0);
    },
  });
}

export function measurePool(registry: Registry, readPoolUsage: () => PoolUsage): void {
  const registers = [registry];
  new Gauge({
    name: 'field_database_pool_connections',
    help: 'PostgreSQL connections, by state',
    labelNames: ['state'],
    registers,
    collect() {
      const { used, free } = readPoolUsage();
      this.set({ state: 'used' }, used);
      this.set({ state: 'free' }, free);
    },
  });
  new Gauge({
    name: 'field_database_pool_waiting',
    help: 'Queries waiting for a connection',
    registers,
    collect() {
      this.set(readPoolUsage().waiting);
    },
  });
  new Gauge({
    name: 'field_database_pool_max_connections',
    help: 'Connections that the pool may open',
    registers,
    collect() {
      this.set(readPoolUsage().max);
    },
  });
}

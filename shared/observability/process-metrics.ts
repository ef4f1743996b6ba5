/**
 * What every process tells Prometheus of itself: its memory, CPU and event loop, its pool of connections, and whether it
 * reaches what it stands on. Looked at when it is scraped, so that it costs nothing in between.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export const dependencies = ['postgres', 'queue', 'cache'] as const;
export type Dependency = (typeof dependencies)[number];

export interface PoolUse {
  readonly used: number;
  readonly free: number;
  /** Queries that wait for a connection. */
  readonly waiting: number;
  readonly max: number;
}

export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** @param probe must not throw; what does not answer is down */
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

export function measurePool(registry: Registry, readPoolUse: () => PoolUse): void {
  const registers = [registry];
  new Gauge({
    name: 'field_database_pool_connections',
    help: 'Connections to PostgreSQL, by whether a query holds them',
    labelNames: ['state'],
    registers,
    collect() {
      const { used, free } = readPoolUse();
      this.set({ state: 'used' }, used);
      this.set({ state: 'free' }, free);
    },
  });
  new Gauge({
    name: 'field_database_pool_waiting',
    help: 'Queries that wait for a connection',
    registers,
    collect() {
      this.set(readPoolUse().waiting);
    },
  });
  new Gauge({
    name: 'field_database_pool_max_connections',
    help: 'Connections that the pool may open',
    registers,
    collect() {
      this.set(readPoolUse().max);
    },
  });
}

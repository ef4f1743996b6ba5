/**
 * Checks while faults go on that no partition with unfinished jobs is left unread: if its worker is killed, paused, or cut off
 * from PostgreSQL or from the queue, another one must read it, as long as there is a healthy one, no link is slow, and both servers
 * work.
 */

import type { SimWorker } from '../processes/sim-worker.ts';
import type { World } from '../processes/world.ts';

/** docs/architecture.md: the partitions of a worker that is gone are read by others within this time. */
const takeoverMs = 15_000;

export class LeaseWatch {
  readonly violations: string[] = [];
  readonly #world: World;
  /** When each partition was last seen to be read. */
  readonly #readAt = new Map<number, number>();
  /** When each worker was last seen to be in trouble. */
  readonly #troubledAt = new Map<SimWorker, number>();
  /** Those that were in trouble at the last look. */
  readonly #troubled = new Set<SimWorker>();
  /** When a worker that was healthy was last seen to be in trouble. */
  #lastLossAt = 0;
  #serversTroubledAt: number;
  #crashes = 0;

  constructor(world: World) {
    this.#world = world;
    this.#serversTroubledAt = world.environment.time.now;
  }

  /** To be called now and then. */
  check(): void {
    const { environment, workers } = this.#world;
    const { time, queue } = environment;
    // A worker that is connected by a slow link may have a lease, and take long to make use of it.
    const isSlow = workers.some((worker) => isConnected(worker) && !isHealthy(worker));
    if (isSlow || !this.#areServersUp()) this.#serversTroubledAt = time.now;
    for (const worker of workers) {
      const isTroubled = !isHealthy(worker);
      // It may have been about to take a partition over, and its own lease has to end first.
      if (isTroubled && !this.#troubled.has(worker)) this.#lastLossAt = time.now;
      if (isTroubled) this.#troubled.add(worker);
      else this.#troubled.delete(worker);
      if (isTroubled) this.#troubledAt.set(worker, time.now);
    }
    for (const worker of workers.filter(isConnected)) {
      for (const partition of worker.partitions) this.#readAt.set(partition, time.now);
    }
    const healthySince = Math.min(...workers.map((worker) => this.#troubledAt.get(worker) ?? 0));
    const since = Math.max(healthySince, this.#lastLossAt, this.#serversTroubledAt);
    for (const partition of queue.pendingPartitions) {
      const unreadMs = time.now - Math.max(since, this.#readAt.get(partition) ?? 0);
      if (unreadMs <= takeoverMs) continue;
      this.violations.push(
        `no worker has read partition ${partition}, which has jobs, for ${unreadMs / 1000} s, although one could have`,
      );
      // Once is enough.
      this.#readAt.set(partition, Infinity);
    }
  }

  /** A crash ends all sessions, also if PostgreSQL is up again at once. */
  #areServersUp(): boolean {
    const { time, postgres, queue } = this.#world.environment;
    const hasCrashed = postgres.crashes !== this.#crashes;
    this.#crashes = postgres.crashes;
    return !hasCrashed && [postgres, queue].every(({ isUp, stalledUntil }) => isUp && stalledUntil <= time.now);
  }
}

/** Whether it could read and commit. */
function isConnected({ process, links, hasStarted }: SimWorker): boolean {
  return hasStarted && process.state === 'running' && links.postgres.state === 'ok' && links.queue.state === 'ok';
}

/** Whether nothing hinders it. */
function isHealthy(worker: SimWorker): boolean {
  const { postgres, queue } = worker.links;
  const isHindered = [postgres, queue].some(({ answerLoss, slownessMs }) => answerLoss > 0 || slownessMs > 0);
  return isConnected(worker) && !isHindered && !worker.isStopping;
}

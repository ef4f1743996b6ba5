/**
 * How workers once shared the queues: each writes the time of its own clock into a registry, and believes that those are alive
 * whose times are not old by its own clock. Planted in place of the sessions with PostgreSQL.
 */
import type { LeaseHolder } from '../../../db/leases/lease-holders.ts';
import type { LeaseHost } from '../models/leases/lease-server.ts';

const maxAgeMs = 10_000;

interface Entry {
  heartbeatAt: number;
  readonly partitions: Set<number>;
}

export class HeartbeatRegistry {
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;

  /** The registry as a worker uses it. @param readClock the worker's clock */
  openHost(readClock: () => number): LeaseHost {
    const readAlive = (id: number): [number, Entry][] => {
      const own = this.#entries.get(id);
      if (own) own.heartbeatAt = readClock();
      return [...this.#entries].filter(([, { heartbeatAt }]) => heartbeatAt > readClock() - maxAgeMs);
    };
    return {
      connect: () => {
        this.#lastId += 1;
        return this.#lastId;
      },
      disconnect: () => undefined,
      join: (id) => {
        this.#entries.set(id, { heartbeatAt: readClock(), partitions: new Set() });
      },
      readHolders: (id) =>
        readAlive(id).map(
          ([holder, { partitions }]): LeaseHolder => ({ id: holder, partitions: [...partitions], isSilent: false }),
        ),
      acquire: (id, partitions) => {
        const taken = new Set(readAlive(id).flatMap(([, entry]) => [...entry.partitions]));
        const acquired = partitions.filter((partition) => !taken.has(partition));
        for (const partition of acquired) this.#entries.get(id)?.partitions.add(partition);
        return acquired;
      },
      release: (id, partition) => void this.#entries.get(id)?.partitions.delete(partition),
      releaseAll: (id) => void this.#entries.delete(id),
    };
  }
}

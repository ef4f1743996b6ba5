/** Faults of the servers: PostgreSQL, the cache's Redis and the queue. */
import type { FieldId } from '../../../shared/field/ids.ts';
import { setCells } from '../../unit/field/support/changes.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { World } from '../processes/world.ts';
import { type Fault, later, pickDuration, pickStep, seconds } from './fault.ts';

export const serverFaults: Readonly<Record<string, (random: Random) => Fault>> = {
  'postgres-restart': (random) => {
    const ms = pickDuration(random);
    return {
      text: `PostgreSQL is down for ${seconds(ms)}`,
      run: (world) => {
        const { postgres } = world.environment;
        postgres.stop();
        later(world, ms, () => postgres.start());
      },
    };
  },
  'postgres-stall': (random) => {
    const ms = pickDuration(random);
    return {
      text: `PostgreSQL stalls for ${seconds(ms)}`,
      run: ({ environment: { postgres, time } }) => {
        postgres.stalledUntil = time.now + ms;
      },
    };
  },
  'postgres-failover': (random) => {
    const ms = random.below(4000);
    const isCaughtUp = random.chance(0.5);
    const rest = isCaughtUp ? ', and as many updates follow' : '';
    return {
      text: `a replica of PostgreSQL takes over that lacks the last ${seconds(ms)}${rest}`,
      run: (world) => {
        const versions = new Map(
          [...world.environment.postgres.database.fields].map(([field, row]) => [field, row.version]),
        );
        const lost = world.environment.postgres.failOver(ms);
        world.environment.fallbackQueue.loseTail(ms);
        world.noteLoss(lost, 'updates');
        if (isCaughtUp) catchUp(world, versions);
      },
    };
  },
  'postgres-restore': (random) => {
    const ms = random.below(30_000);
    return {
      text: `a backup of PostgreSQL that is ${seconds(ms)} old is restored, and all servers are restarted`,
      run: (world) => {
        const lost = world.environment.postgres.restoreBackup(ms);
        world.environment.fallbackQueue.loseTail(ms);
        world.noteLoss(lost, 'updates');
        world.restartServers();
      },
    };
  },
  'postgres-clock': (random) => {
    const ms = pickStep(random);
    return {
      text: `PostgreSQL's clock jumps by ${seconds(ms)}`,
      run: ({ environment: { postgres } }) => {
        postgres.clockOffsetMs += ms;
      },
    };
  },
  'cache-restart': (random) => {
    const ms = pickDuration(random);
    const age = random.pick([undefined, 0, 1, 2, 4]);
    const copy = age === undefined ? 'an empty cache' : `a copy of the cache from ${5 * (age + 1)} s before`;
    return {
      text: `the cache's Redis is down for ${seconds(ms)} and returns with ${copy}`,
      run: (world) => {
        const { cacheRedis } = world.environment;
        const stored = age === undefined ? new Map() : (world.cacheCopies.at(-1 - age) ?? new Map());
        if (cacheRedis.isUp) cacheRedis.stop();
        later(world, ms, () => {
          if (!cacheRedis.isUp) cacheRedis.start(stored);
        });
      },
    };
  },
  'cache-stall': (random) => {
    const ms = pickDuration(random);
    return {
      text: `the cache's Redis stalls for ${seconds(ms)}`,
      run: ({ environment: { cacheRedis, time } }) => {
        cacheRedis.stalledUntil = time.now + ms;
      },
    };
  },
  'queue-down': (random) => {
    const ms = pickDuration(random);
    return {
      text: `the queue's Redis is down for ${seconds(ms)}`,
      run: (world) => {
        const { queue } = world.environment;
        queue.isUp = false;
        later(world, ms, () => {
          queue.isUp = true;
        });
      },
    };
  },
  'queue-failover': (random) => {
    const ms = random.below(3000);
    return {
      text: `the queue loses what was added in the last ${seconds(ms)}`,
      run: (world) => world.noteLoss(world.environment.queue.loseTail(ms), 'jobs'),
    };
  },
  'queue-duplicates': (random) => {
    const ms = pickDuration(random);
    return {
      text: `the queue delivers jobs twice and out of order for ${seconds(ms)}`,
      run: (world) => setDelivery(world, { duplication: 0.5, reorderMs: 300 }, ms),
    };
  },
};

/** Writes until the fields have their earlier versions again, which then name other states. */
function catchUp({ environment, rawWriters }: World, versions: ReadonlyMap<FieldId, number>): void {
  for (const writer of rawWriters) {
    const missing = (versions.get(writer.field) ?? 0) - (environment.postgres.readRow(writer.field)?.version ?? 0);
    const changes = Array.from({ length: missing }, (_, index) =>
      setCells({ x: index % 3, y: 2, value: index / missing }),
    );
    if (missing > 0) writer.write(changes, environment.random);
  }
}

function setDelivery(world: World, delivery: { duplication: number; reorderMs: number }, ms: number): void {
  Object.assign(world.environment.queue, delivery);
  later(world, ms, () => Object.assign(world.environment.queue, { duplication: 0, reorderMs: 0 }));
}

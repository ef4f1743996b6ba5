/**
 * Faults that the system once had, planted again: each is found by the simulation, or the simulation is at fault. They are
 * broken variants of collaborators; production code knows nothing of them.
 */
import { matchesEtag } from '../../../api/http/etag.ts';
import type { FieldReader } from '../../../db/read/field-reader.ts';
import type { FieldCache } from '../../../shared/cache/field-cache.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import { LeaseServer } from '../models/leases/lease-server.ts';
import { correctVariants, type Variants } from '../processes/environment.ts';
import { HeartbeatRegistry } from './heartbeats.ts';

export interface Plant {
  readonly description: string;
  readonly variants: Partial<Variants>;
}

const shared = new WeakMap<object, unknown>();

/** What all workers of one run share. @param server a server of that run */
function sharedBy<Value>(server: object, create: () => Value): Value {
  if (!shared.has(server)) shared.set(server, create());
  return shared.get(server) as Value;
}

export const plants: Readonly<Record<string, Plant>> = {
  'unnoticed-purge': {
    description: "a worker's copy is trusted although tombstones were purged since",
    variants: { comparesPurges: false },
  },
  'patch-by-version': {
    description: 'the copy in the cache is patched or kept by its version, whatever its hash',
    variants: { decideOnCopy: decideByVersion, reader: trustCache },
  },
  'resume-by-version': {
    description: 'a stream is resumed if the version fits, whatever its hash',
    variants: {
      reader: (reader) => ({
        ...reader,
        hasCursor: async (field, cursor) => {
          const stored = await reader.readCursor(field);
          return stored !== undefined && versionOf(stored) >= versionOf(cursor);
        },
      }),
    },
  },
  'etag-by-version': {
    description: 'a state is not sent again if its version is the same, whatever its hash',
    variants: {
      matchesEtag: (header, etag) => matchesEtag(header && stripHash(header), stripHash(etag)),
    },
  },
  'expired-as-duplicate': {
    description: 'a counter behind the retention is answered as a duplicate, although it had other content',
    variants: {
      textFor: (_device, text) => text.replaceAll('"outcome":"expired"', '"outcome":"duplicate"'),
    },
  },
  'worker-clock': {
    description: "log times and retention go by the workers' own clocks",
    variants: {
      boundsLogTime: false,
      store: (store) => ({
        ...store,
        readTime: async () => {
          await store.readTime();
          return Date.now();
        },
        append: async (commits) => ({ ...(await store.append(commits)), now: Date.now() }),
      }),
      retentionClock: () => Date.now(),
    },
  },
  'foreign-delta-settles': {
    description: "a delta about another device's counter settles the client's own update",
    variants: {
      textFor: (device, text) => text.replaceAll(/\{"device":"[^"]+"/g, `{"device":"${device}"`),
    },
  },
  'no-republishing': {
    description: 'what could not be published is never published later, and no copy is compared with PostgreSQL',
    variants: {
      republishes: false,
      store: (store) => ({ ...store, markForRepublish: () => Promise.resolve() }),
      reader: trustCache,
    },
  },
  'leases-without-postgres': {
    description: 'a worker that is cut off from PostgreSQL alone keeps its queues',
    variants: {
      leasing: ({ time, queue }, { links }) => ({
        host: sharedBy(queue, () => new LeaseServer(time, queue)),
        link: links.queue,
        checkWritable: () => Promise.resolve(),
      }),
    },
  },
  'leases-by-clock': {
    description: "queues are owned by heartbeats with the times of the workers' own clocks",
    variants: {
      leasing: (environment, worker) => ({
        ...correctVariants.leasing(environment, worker),
        host: sharedBy(environment.postgres, () => new HeartbeatRegistry()).openHost(
          () => environment.time.now + worker.process.clockOffsetMs,
        ),
      }),
    },
  },
};

export function toVariants({ variants }: Plant): Variants {
  return { ...correctVariants, ...variants };
}

function decideByVersion(
  ...[cached, from, to]: Parameters<Variants['decideOnCopy']>
): ReturnType<Variants['decideOnCopy']> {
  if (versionOf(cached) >= versionOf(to)) return 'keep';
  return versionOf(cached) === versionOf(from) ? 'patch' : 'delete';
}

function stripHash(tag: string): string {
  return tag.replace(/\.[0-9a-f]{16}/g, '');
}

/** Answers where a field stands from the cache, as long as that has a copy. */
function trustCache(reader: FieldReader, cache: FieldCache): FieldReader {
  return {
    ...reader,
    readCursor: async (field) => {
      const cached = await cache.readCursor(field).catch(() => undefined);
      return cached ?? reader.readCursor(field);
    },
  };
}

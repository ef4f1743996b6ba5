/**
 * After the commit: the cache and the channel. What the cache cannot be told of is marked in PostgreSQL, for upkeep to
 * tell later, so that neither a cache that is away nor a crash in between leaves a stale copy for good.
 */
import type { Knex } from 'knex';
import { markForRepublish } from '../../db/write/field-writer.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { AppliedJobs } from './apply-updates.ts';

export interface PublishDeps {
  readonly db: Knex;
  readonly cache: FieldCache;
  readonly log: Logger;
}

/**
 * Publishes every field of a batch, and resolves with those that the cache could not be told of.
 * @throws when neither the cache nor PostgreSQL can be reached.
 */
export async function publishBatch(
  { db, cache, log }: PublishDeps,
  batch: Iterable<AppliedJobs>,
): Promise<ReadonlySet<FieldId>> {
  const failed: { field: FieldId; version: number }[] = [];
  let lastError: unknown;
  await Promise.all(
    [...batch].map(async (applied) => {
      if (applied.updates.length === 0) return;
      try {
        await publishField(cache, applied);
      } catch (error) {
        lastError = error;
        const { field, version } = applied.commit.state;
        failed.push({ field, version });
      }
    }),
  );
  if (failed.length > 0) {
    log.warn({ err: lastError, fields: failed.length }, 'the cache could not be told of a commit');
    await markForRepublish(db, failed);
  }
  return new Set(failed.map(({ field }) => field));
}

async function publishField(cache: FieldCache, { commit, from, changes, updates }: AppliedJobs): Promise<void> {
  const fragments = toFragments(commit.state, changes);
  const delta = serializeDelta(from, fragments, updates, commit.conflicts);
  await cache.publish({ from, fragments, delta, fullState: () => toFragments(commit.state) });
}

/**
 * After the commit: the cache and the channel. What the cache cannot be told of is marked in PostgreSQL, for upkeep to
 * tell later, so that neither a cache that is away nor a crash in between leaves a stale copy for good.
 */
import type { Knex } from 'knex';
import { markUnpublished } from '../../db/write/field-writer.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { cutState } from '../../shared/cache/state-fragments.ts';
import { renderDelta } from '../../shared/cache/state-serializer.ts';
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
  const missed: { field: FieldId; version: number }[] = [];
  let reason: unknown;
  await Promise.all(
    [...batch].map(async (applied) => {
      if (applied.updates.length === 0) return;
      try {
        await publishField(cache, applied);
      } catch (error) {
        reason = error;
        const { field, version } = applied.commit.state;
        missed.push({ field, version });
      }
    }),
  );
  if (missed.length > 0) {
    log.warn({ err: reason, fields: missed.length }, 'the cache could not be told of a commit');
    await markUnpublished(db, missed);
  }
  return new Set(missed.map(({ field }) => field));
}

async function publishField(cache: FieldCache, { commit, from, touched, updates }: AppliedJobs): Promise<void> {
  const pieces = cutState(commit.state, touched);
  const delta = renderDelta(from, pieces, updates, commit.conflicts);
  await cache.publish({ from, pieces, delta, whole: () => cutState(commit.state) });
}

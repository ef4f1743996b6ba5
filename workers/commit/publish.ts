/**
 * Publishes commits to the cache and to the fields' channels. A field that could not be published is marked in PostgreSQL
 * and republished by the maintenance tasks, so that a cache outage does not leave a stale copy behind.
 */
import type { Knex } from 'knex';
import { markForRepublish } from '../../db/models/unpublished-field.ts';
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
 * Publishes every field of a batch. Resolves with the fields that could not be published and were marked instead.
 * @throws when a field could be neither published nor marked, because both the cache and PostgreSQL are unavailable
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
    log.warn({ err: lastError, fields: failed.length }, 'publish failed; fields marked for republishing');
    await markForRepublish(db, failed);
  }
  return new Set(failed.map(({ field }) => field));
}

async function publishField(cache: FieldCache, { commit, from, changes, updates }: AppliedJobs): Promise<void> {
  const fragments = toFragments(commit.state, changes);
  const delta = serializeDelta(from, fragments, updates, commit.conflicts);
  await cache.publish({ from, fragments, delta, fullState: () => toFragments(commit.state) });
}

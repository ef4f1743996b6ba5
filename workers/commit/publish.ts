/**
 * Publishes commits to the cache and to the fields' channels. A field that could not be published is marked in PostgreSQL
 * and republished by the maintenance tasks, so that a cache outage does not leave a stale copy behind.
 */
import type { FieldStore } from '../../db/field-store.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { FieldState } from '../../shared/field/state.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { AppliedJobs } from './apply-updates.ts';

export interface PublishDeps {
  readonly store: Pick<FieldStore, 'markForRepublish' | 'readPositions'>;
  readonly cache: FieldCache;
  readonly log: Logger;
  /** The traces of the jobs of a field, for its message. */
  readonly listTraceparents?: ((field: FieldId) => readonly string[]) | undefined;
}

/**
 * Publishes every field of a batch. Resolves with the fields that could not be published and were marked instead.
 * @throws when a field could be neither published nor marked, because both the cache and PostgreSQL are unavailable
 */
export async function publishBatch(deps: PublishDeps, batch: Iterable<AppliedJobs>): Promise<ReadonlySet<FieldId>> {
  const { store, log } = deps;
  const failed: { field: FieldId; version: number }[] = [];
  let lastError: unknown;
  await Promise.all(
    [...batch].map(async (applied) => {
      if (applied.updates.length === 0) return;
      try {
        await publishField(deps, applied);
      } catch (error) {
        lastError = error;
        const { field, version } = applied.commit.state;
        failed.push({ field, version });
      }
    }),
  );
  if (failed.length > 0) {
    log.warn({ err: lastError, fields: failed.length }, 'publish failed; fields marked for republishing');
    await store.markForRepublish(failed);
  }
  return new Set(failed.map(({ field }) => field));
}

async function publishField(
  { cache, store, listTraceparents }: PublishDeps,
  { commit, from, changes, updates }: AppliedJobs,
): Promise<void> {
  const fragments = toFragments(commit.state, changes);
  const delta = serializeDelta(from, fragments, updates, commit.conflicts);
  const traceparents = listTraceparents?.(commit.state.field);
  const hasCopy = await cache.publish({ from, fragments, delta, ...(traceparents ? { traceparents } : {}) });
  if (!hasCopy) await fillCache({ cache, store }, commit.state);
}

/** Stores the whole state, if PostgreSQL confirms that the field is still at its cursor. */
async function fillCache({ cache, store }: Pick<PublishDeps, 'cache' | 'store'>, state: FieldState): Promise<void> {
  const token = await cache.beginFill(state.field);
  const position = (await store.readPositions([state.field])).get(state.field);
  if (position?.version === state.version && position.hash === state.hash) await cache.fill(token, toFragments(state));
}

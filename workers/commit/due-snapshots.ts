/**
 * When a commit rewrites the snapshot of a field. Rewriting a large field costs more than a hundred commits, so it happens
 * at most once a second, unless the log after the snapshot (the tail) grows long. A short tail is cheaper to fold than to
 * rewrite; maintenance flushes it once the field is idle.
 */
import type { FieldStore } from '../../db/field-store.ts';
import type { HotField } from './hot-field-cache.ts';

export interface SnapshotOptions {
  /** Versions between archived snapshots. */
  readonly snapshotEvery: number;
}

const snapshotIntervalMs = 1000;
const minTailVersions = 16;
const maxTailVersions = 2000;

/** @param now in ms, of the monotonic clock */
export async function writeDueSnapshots(
  store: FieldStore,
  hotFields: readonly HotField[],
  { snapshotEvery }: SnapshotOptions,
  now: number,
): Promise<void> {
  const due = hotFields.filter(({ state, snapshotVersion, snapshotAt }) => {
    const tailVersions = state.version - snapshotVersion;
    return (
      tailVersions >= maxTailVersions || (tailVersions >= minTailVersions && now - snapshotAt >= snapshotIntervalMs)
    );
  });
  await store.writeSnapshots(due.map(({ state }) => state));
  for (const field of due) {
    field.snapshotVersion = field.state.version;
    field.snapshotAt = now;
  }
  const toArchive = hotFields.filter(({ state, archivedVersion }) => state.version - archivedVersion >= snapshotEvery);
  await store.archiveStates(toArchive.map(({ state }) => state));
  for (const field of toArchive) field.archivedVersion = field.state.version;
}

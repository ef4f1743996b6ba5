/**
 * Decides when a commit rewrites or archives the snapshot of a field. Rewriting a large field costs more than a hundred commits,
 * so it happens at most once a second, and only after as many bytes of updates as the snapshot has, unless the log after the
 * snapshot (the tail) grows long. A short tail is cheaper to fold than to rewrite; maintenance flushes it once the field is idle.
 */
import type { FieldStore } from '../../db/field-store.ts';
import { archiveAfterBytes } from '../../db/write/write-snapshots.ts';
import { type FieldState, getParticleIndex, getTombstoneIndex } from '../../shared/field/state.ts';
import type { HotField } from './hot-field-cache.ts';

export interface SnapshotOptions {
  /** Versions between archived snapshots. */
  readonly snapshotEvery: number;
}

const snapshotIntervalMs = 1000;
const minTailVersions = 16;
const maxTailVersions = 2000;
/** The JSON of a particle beyond its counted bytes, and that of a cell. */
const [jsonBytesPerParticle, jsonBytesPerCell] = [400, 60];

/** @param now in ms, of the monotonic clock */
export async function writeDueSnapshots(
  store: FieldStore,
  hotFields: readonly HotField[],
  { snapshotEvery }: SnapshotOptions,
  now: number,
): Promise<void> {
  const due = hotFields.filter((field) => isSnapshotDue(field, now));
  await store.writeSnapshots(due.map(({ state }) => state));
  for (const field of due) {
    field.snapshotVersion = field.state.version;
    field.snapshotAt = now;
    field.bytesSinceSnapshot = 0;
  }
  const toArchive = hotFields.filter((field) => isArchiveDue(field, snapshotEvery));
  await store.archiveStates(toArchive.map(({ state }) => state));
  for (const field of toArchive) {
    field.archivedVersion = field.state.version;
    field.bytesSinceArchive = 0;
  }
}

function isSnapshotDue({ state, snapshotVersion, snapshotAt, bytesSinceSnapshot }: HotField, now: number): boolean {
  const tailVersions = state.version - snapshotVersion;
  if (tailVersions >= maxTailVersions) return true;
  if (tailVersions < minTailVersions || now - snapshotAt < snapshotIntervalMs) return false;
  // Rewriting therefore adds at most about as many bytes as the updates. The size of the updates is an upper estimate.
  return bytesSinceSnapshot >= estimateSnapshotBytes(state);
}

function isArchiveDue({ state, archivedVersion, bytesSinceArchive }: HotField, snapshotEvery: number): boolean {
  if (state.version - archivedVersion >= snapshotEvery) return true;
  return bytesSinceArchive >= Math.max(archiveAfterBytes, 2 * estimateSnapshotBytes(state));
}

/** In bytes as JSON. */
function estimateSnapshotBytes(state: FieldState): number {
  const particleBytes = getParticleIndex(state).bytes + getTombstoneIndex(state).bytes;
  const particles = state.particles.size + state.tombstones.size;
  return particleBytes + jsonBytesPerParticle * particles + jsonBytesPerCell * state.cells.size;
}

/**
 * Builds one delta from an older version to the current state. The log says which cells and particles changed; their
 * values come from the state.
 */
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { ParticleFragment, StateFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { DeltaUpdate } from '../../shared/contract/messages.ts';
import { type Cursor, formatCursor, versionOf } from '../../shared/field/cursor.ts';
import { type ChangeSet, emptyChangeSet } from '../../shared/field/merge-update.ts';
import type { Update } from '../../shared/field/update.ts';
import { SharedMessage, type StreamMessage } from './stream-message.ts';

/** Above this number of updates, reading the log costs more than sending a snapshot. */
const maxUpdates = 1000;

/** Why there is no delta: the log does not have the cursor, or does not have the state, or a snapshot is better. */
export type NoDelta = 'unknown-cursor' | 'unknown-state' | 'gap';

/**
 * @param fragments the whole current state
 * @returns `gap` when the log has been pruned beyond `from`, is too long or too large after it, or has entries that evicted
 * particles or erased something, which it does not name
 * @throws whatever the reader throws when PostgreSQL is unavailable
 */
export async function createGapFillDelta(
  reader: FieldReader,
  fragments: StateFragments,
  from: Cursor,
): Promise<StreamMessage | NoDelta> {
  const { field, version, cursor, header } = fragments;
  const start = versionOf(from);
  const count = version - start;
  if (!(await reader.hasCursor(field, from))) return 'unknown-cursor';
  if (count > maxUpdates || header.evictedAt > start) return 'gap';
  const page = await reader.readLog(field, start, count);
  if (!page || page.logStart > start || page.isCut) return 'gap';
  const last = page.updates.at(-1);
  if (page.updates.length !== count || !last || formatCursor(version, last.hash) !== cursor) return 'unknown-state';
  const logged = page.updates.flatMap((entry) => ('update' in entry ? [entry] : []));
  if (logged.length < count) return 'gap';
  const changes = emptyChangeSet();
  for (const { update } of logged) collectChanges(changes, update);
  const updates = logged.map(
    ({ device, outcome, version, resolution, update }): DeltaUpdate => ({
      device,
      counter: update.counter,
      outcome,
      version,
      ...(resolution ? { resolution } : {}),
    }),
  );
  const text = serializeDelta(from, selectChanged(fragments, changes), updates);
  return new SharedMessage('delta', Buffer.from(text), cursor);
}

/** Adds the changes of an update. An unnecessary change is harmless: its current value is sent again. */
function collectChanges(changes: ChangeSet, update: Update): void {
  switch (update.kind) {
    case 'cells.set':
      for (const { x, y } of update.cells) changes.cells.add(`${x},${y}`);
      return;
    case 'particle.put':
    case 'particle.remove':
      changes.particles.add(update.id);
      changes.quantumFields = true;
      return;
    case 'event':
      changes.quantumFields = true;
      return;
    default:
      // A kind that is missing here would reach a resuming subscriber as a version without its change.
      update satisfies never;
  }
}

function selectChanged(fragments: StateFragments, changes: ChangeSet): StateFragments {
  const particlesById = new Map(fragments.particles.map((particle) => [particle.id, particle]));
  const particles = [...changes.particles].map(
    (id): ParticleFragment => particlesById.get(id) ?? { id, order: 0, json: undefined },
  );
  return {
    ...fragments,
    particles,
    cells: fragments.cells.filter(({ cell }) => changes.cells.has(cell)),
    quantumFieldsChanged: changes.quantumFields,
  };
}

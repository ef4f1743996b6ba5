/**
 * Builds one delta from an older version to the current state. The log says which cells and particles changed; their
 * values come from the state.
 */
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { ParticleFragment, StateFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { DeltaUpdate } from '../../shared/contract/stream.ts';
import { type ChangeSet, emptyChangeSet } from '../../shared/field/merge-update.ts';
import type { Update } from '../../shared/field/update.ts';
import { StreamMessage } from './stream-message.ts';

/** Above this number of updates, reading the log costs more than sending a snapshot. */
const maxUpdates = 1000;

/**
 * @param fragments the whole current state
 * @returns undefined when a snapshot must be sent instead: the log has been pruned beyond `from`, the gap is too long, or
 * particles were evicted since `from`, which the log does not name
 * @throws whatever the reader throws when PostgreSQL is unavailable
 */
export async function createGapFillDelta(
  reader: FieldReader,
  fragments: StateFragments,
  from: number,
): Promise<StreamMessage | undefined> {
  const count = fragments.version - from;
  if (count > maxUpdates || fragments.header.evictedAt > from) return undefined;
  const page = await reader.readLog(fragments.field, from, count);
  if (!page || page.oldest > from || page.updates.length !== count) return undefined;
  const changes = emptyChangeSet();
  for (const { update } of page.updates) collectChanges(changes, update);
  const updates = page.updates.map(
    ({ device, outcome, version, resolution, update }): DeltaUpdate => ({
      device,
      counter: update.counter,
      outcome,
      version,
      ...(resolution ? { resolution } : {}),
    }),
  );
  const text = serializeDelta(from, selectChanged(fragments, changes), updates);
  return new StreamMessage('delta', Buffer.from(text), fragments.version);
}

/** Adds what an update changes. A change too many is harmless: its current value is sent again. */
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

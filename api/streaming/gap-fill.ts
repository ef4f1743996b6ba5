/**
 * One delta that leads from an older version to a state: what the log says was touched, as it is in that state.
 * It cannot be made when the log does not reach back, when it is long, or when particles were pushed out since (the log
 * does not name them): then a snapshot serves.
 */
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { ParticlePiece, StatePieces } from '../../shared/cache/state-fragments.ts';
import { renderDelta } from '../../shared/cache/state-serializer.ts';
import type { DeltaUpdate } from '../../shared/contract/stream.ts';
import { nothingTouched, type Touched } from '../../shared/field/merge-update.ts';
import type { Update } from '../../shared/field/update.ts';
import { StreamMessage } from './stream-message.ts';

const maxUpdates = 1000;

export async function createHealingDelta(
  reader: FieldReader,
  pieces: StatePieces,
  from: number,
): Promise<StreamMessage | undefined> {
  const count = pieces.version - from;
  if (count > maxUpdates || pieces.head.evictedAt > from) return undefined;
  const page = await reader.readLog(pieces.field, from, count);
  if (!page || page.oldest > from || page.updates.length !== count) return undefined;
  const touched = nothingTouched();
  for (const { update } of page.updates) touch(touched, update);
  const updates = page.updates.map(
    ({ device, outcome, version, resolution, update }): DeltaUpdate => ({
      device,
      counter: update.counter,
      outcome,
      version,
      ...(resolution ? { resolution } : {}),
    }),
  );
  const text = renderDelta(from, pickTouched(pieces, touched), updates);
  return new StreamMessage('delta', Buffer.from(text), pieces.version);
}

function touch(touched: Touched, update: Update): void {
  switch (update.kind) {
    case 'cells.set':
      for (const { x, y } of update.cells) touched.cells.add(`${x},${y}`);
      return;
    case 'particle.put':
    case 'particle.remove':
      touched.particles.add(update.id);
      touched.quantumFields = true;
      return;
    case 'event':
      touched.quantumFields = true;
  }
}

function pickTouched(pieces: StatePieces, touched: Touched): StatePieces {
  const present = new Map(pieces.particles.map((piece) => [piece.id, piece]));
  const particles = [...touched.particles].map(
    (id): ParticlePiece => present.get(id) ?? { id, order: 0, json: undefined },
  );
  return {
    ...pieces,
    particles,
    cells: pieces.cells.filter(({ cell }) => touched.cells.has(cell)),
    fieldsMoved: touched.quantumFields,
  };
}

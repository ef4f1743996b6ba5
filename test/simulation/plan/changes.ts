/** Random changes on few cells and particles, so that devices conflict often. No two of them have the same content. */
import type { FieldClient, OutboxEntry } from '../../../client/types.ts';
import { eventTypes } from '../../../shared/field/update.ts';
import { type Change, event, put, remove, setCells, vector } from '../../unit/field/support/changes.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';

const gridSide = 3;
const particleCount = 4;

export function randomChange(random: Random, unique: number): Change {
  const value = unique / 100_000;
  const id = `p${random.below(particleCount)}`;
  const dice = random.next();
  if (dice < 0.4) {
    const [x, y] = [random.below(gridSide), random.below(gridSide)];
    return setCells({ x, y, value }, { x: x + gridSide, y, value: random.below(3) / 2 });
  }
  if (dice < 0.7) return put(id, { resonance: value, ...randomAttributes(random) });
  if (dice < 0.88) return remove(id);
  return event(random.pick(eventTypes), value);
}

function randomAttributes(random: Random) {
  return {
    ...(random.chance(0.4) ? { position: vector(random.below(8), random.below(8), 0) } : {}),
    ...(random.chance(0.3) ? { content: `memory ${random.below(5)}` } : {}),
    ...(random.chance(0.3) ? { connections: ['p0', 'p1', 'p2', 'p3'].slice(0, random.below(5)) } : {}),
  };
}

/** Makes the change through a client. */
export function applyChange(client: FieldClient, change: Change): OutboxEntry {
  switch (change.kind) {
    case 'cells.set':
      return client.setCells(change.cells);
    case 'particle.remove':
      return client.removeParticle(change.id);
    case 'event':
      return client.emit(change.type, change.intensity);
    case 'particle.put': {
      const { kind, id, ...attributes } = change;
      return client.putParticle(id, attributes);
    }
  }
}

export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'cells.set':
      return `sets ${change.cells.map(({ x, y, value }) => `${x},${y} to ${value}`).join(' and ')}`;
    case 'particle.put':
      return `puts ${change.id} with resonance ${change.resonance}`;
    case 'particle.remove':
      return `removes ${change.id}`;
    case 'event':
      return `sends ${change.type} with ${change.intensity}`;
  }
}

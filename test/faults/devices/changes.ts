/** Random changes of every kind, on few cells and particles and with few values, so that devices conflict often. */
import { type EventType, eventTypes } from '../../../shared/field/update.ts';
import { type Change, event, put, remove, setCells, vector } from '../../unit/field/support/changes.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';

const gridSide = 8;
const particles = Array.from({ length: 30 }, (_, at) => `p-${at}`);
const steps = 8;

export function randomChange(random: Random): Change {
  const dice = random.next();
  if (dice < 0.45) return randomCells(random);
  if (dice < 0.8) return randomPut(random);
  if (dice < 0.88) return remove(random.pick(particles));
  return event(random.pick<EventType>(eventTypes), unit(random));
}

function randomCells(random: Random): Change {
  const cells = new Map<string, { x: number; y: number; value: number }>();
  for (let count = 1 + random.below(5); count > 0; count -= 1) {
    const [x, y] = [random.below(gridSide), random.below(gridSide)];
    cells.set(`${x},${y}`, { x, y, value: unit(random) });
  }
  return setCells(...cells.values());
}

function randomPut(random: Random): Change {
  return put(random.pick(particles), {
    ...(random.chance(0.5) ? { position: randomVector(random) } : {}),
    ...(random.chance(0.3) ? { velocity: randomVector(random) } : {}),
    ...(random.chance(0.5) ? { resonance: unit(random) } : {}),
    ...(random.chance(0.3) ? { content: `memory ${random.below(steps)} ✨` } : {}),
    ...(random.chance(0.4) ? { connections: random.shuffle(particles).slice(0, random.below(6)) } : {}),
  });
}

function randomVector(random: Random) {
  return vector(random.below(steps) - 4, random.below(steps) - 4, random.below(steps) - 4);
}

function unit(random: Random): number {
  return random.below(steps + 1) / steps;
}

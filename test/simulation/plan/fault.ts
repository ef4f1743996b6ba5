/** What the kinds of faults share: durations, steps of clocks, and how a fault ends. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { World } from '../processes/world.ts';
import type { Operation } from './operation.ts';

export type Fault = Pick<Operation, 'text' | 'run'>;

const dayMs = 86_400_000;

/** Mostly seconds, now and then more than half a minute; in ms. */
export function pickDuration(random: Random): number {
  return Math.round(random.chance(0.15) ? 20_000 + random.below(25_000) : 200 + 8000 * random.next() ** 2);
}

/** A step of a clock: seconds, minutes, or a year; in ms. */
export function pickStep(random: Random): number {
  const size = random.pick([1000, 10_000, 600_000, 365 * dayMs]);
  return Math.round(size * (0.5 + random.next()) * random.pick([-1, 1]));
}

export function seconds(ms: number): string {
  if (Math.abs(ms) >= dayMs) return `${(ms / dayMs).toFixed(0)} days`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Ends a fault after some time, unless all faults have ended before. */
export function later(world: World, ms: number, run: () => void): void {
  const { time } = world.environment;
  time.scheduleFor(undefined, ms, () => {
    if (!world.isRepaired) run();
  });
}

/** Assigns a fault to each round: all faults in an order shuffled by the seed, then all again, so that all are equally frequent. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { FaultOptions } from '../options.ts';
import { faults } from './faults.ts';

const noFault = 'none';

/** @throws RangeError for an unknown fault */
export function planFaults({ rounds, isShort, fault, without, plant }: FaultOptions, random: Random): string[] {
  const unknown = [...without, fault ?? noFault].find((name) => name !== noFault && !faults[name]);
  if (unknown !== undefined)
    throw new RangeError(`unknown fault ${unknown}; available: ${Object.keys(faults).join(', ')}`);
  const only = plant ? noFault : fault;
  if (only !== undefined) return Array.from({ length: rounds }, () => only);
  const names = Object.keys(faults).filter((name) => !without.includes(name) && !(isShort && faults[name]?.isLong));
  const plan: string[] = [];
  while (plan.length < rounds) plan.push(...random.shuffle(names));
  return plan.slice(0, rounds);
}

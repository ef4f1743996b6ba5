/** Which fault comes in which round: every one in turn, each turn shuffled by the seed, so that all come equally often. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { FaultOptions } from '../options.ts';
import { faults } from './faults.ts';

const noFault = 'none';

/** @throws RangeError for a fault that there is not */
export function planFaults({ rounds, isShort, fault, without, plant }: FaultOptions, random: Random): string[] {
  const unknown = [...without, fault ?? noFault].find((name) => name !== noFault && !faults[name]);
  if (unknown !== undefined) throw new RangeError(`no fault ${unknown}: ${Object.keys(faults).join(', ')}`);
  const only = plant ? noFault : fault;
  if (only !== undefined) return Array.from({ length: rounds }, () => only);
  const names = Object.keys(faults).filter((name) => !without.includes(name) && !(isShort && faults[name]?.isLong));
  const plan: string[] = [];
  while (plan.length < rounds) plan.push(...random.shuffle(names));
  return plan.slice(0, rounds);
}

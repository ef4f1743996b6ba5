/** Assigns a fault to each round: all faults in an order shuffled by the seed, then all again, so that all are equally frequent. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import { pythonCommand } from '../devices/device-pool.ts';
import type { FaultOptions } from '../options.ts';
import { clockMethod } from '../stack/process-clock.ts';
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

/** What a run does and does not test, so that its success is not taken for more than it is. One line each. */
export function describePlan(plan: readonly string[], { plant, fault }: FaultOptions): string[] {
  const { NODE_ALTERNATIVE } = process.env;
  const lines = [
    NODE_ALTERNATIVE
      ? `api-2 and worker-2 run under ${NODE_ALTERNATIVE}`
      : `all processes run under Node ${process.versions.node}: NODE_ALTERNATIVE is not set`,
  ];
  if (pythonCommand === undefined) lines.push('no device is the client in Python: python3 is not installed');
  const clockFaults = plan.filter((name) => faults[name]?.stepsClock);
  if (clockFaults.length > 0 && clockMethod() === 'preload') {
    lines.push(
      `${[...new Set(clockFaults)].join(', ')}: only JavaScript's Date is shifted, libfaketime is not installed`,
    );
  }
  const skipped = Object.keys(faults).filter((name) => !plan.includes(name));
  const isByIntention = plant !== undefined || fault !== undefined;
  if (skipped.length > 0 && !isByIntention) lines.push(`not among these rounds: ${skipped.join(', ')}`);
  return lines;
}

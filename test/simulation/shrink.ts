/** Finds a shorter plan that fails as well: whole stretches of operations are left out, then ever smaller ones. */
import type { Operation } from './plan/operation.ts';

const maxAttempts = 300;

/** @param fails must give the same answer for the same plan */
export async function shrinkPlan(
  plan: readonly Operation[],
  fails: (plan: readonly Operation[]) => Promise<boolean>,
): Promise<readonly Operation[]> {
  let shortest = plan;
  let attempts = 0;
  for (let size = Math.ceil(plan.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < shortest.length && attempts < maxAttempts; attempts += 1) {
      const candidate = [...shortest.slice(0, start), ...shortest.slice(start + size)];
      if (candidate.length < shortest.length && (await fails(candidate))) shortest = candidate;
      else start += size;
    }
  }
  return shortest;
}

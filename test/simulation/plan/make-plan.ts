/**
 * Makes the plan of a run from its seed. Each run has only some kinds of faults ("swarm testing", Groce et al. 2012): with
 * all of them at once, most runs would be much alike.
 */
import { seededRandom } from '../../unit/field/support/seeded-random.ts';
import { deviceFaults } from './device-faults.ts';
import { loseWorker } from './lost-worker.ts';
import type { Operation } from './operation.ts';
import { processFaults } from './process-faults.ts';
import { serverFaults } from './server-faults.ts';
import { randomWork } from './work.ts';

const faults = { ...serverFaults, ...processFaults, ...deviceFaults };
const deviceCount = 5;
/** In ms, on average between two operations. */
const meanGapMs = 300;
/** The share of plans that end with a lost worker. */
const lostWorkerShare = 0.4;

export interface PlanOptions {
  readonly seed: number;
  readonly operations: number;
}

export function makePlan({ seed, operations }: PlanOptions): Operation[] {
  const random = seededRandom(seed);
  const kinds = Object.values(faults);
  const enabled = random.shuffle(kinds).slice(0, 1 + random.below(10));
  const faultShare = 0.05 + 0.2 * random.next();
  const gapMs = meanGapMs * (0.3 + 1.4 * random.next());
  let at = 1000;
  const plan: Operation[] = Array.from({ length: operations }, (_, index) => {
    // Many operations come at almost the same time.
    at += random.chance(0.4) ? random.below(5) : 2 * gapMs * random.next();
    const fault = random.chance(faultShare) ? random.pick(enabled)(random) : undefined;
    return { at: Math.round(at), ...(fault ?? randomWork(random, 10 * (index + 1), deviceCount)) };
  });
  if (random.chance(lostWorkerShare)) plan.push(...loseWorker(random, at + 500, 10 * (operations + 1), deviceCount));
  return plan;
}

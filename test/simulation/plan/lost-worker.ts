/** How some plans end: all faults end but one, a worker that is lost, and the others must do its work. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { LinkState } from '../models/link.ts';
import type { ServerName } from '../processes/environment.ts';
import type { SimWorker } from '../processes/sim-worker.ts';
import type { World } from '../processes/world.ts';
import type { Operation } from './operation.ts';
import { randomWork } from './work.ts';

/** Longer than it may take until other workers read the partitions. */
const lostMs = 22_000;
const workCount = 8;
/** Of a clock, and how long it is wrong before its worker is killed. */
const [clockStepMs, killDelayMs] = [600_000, 4000];

type Lose = (worker: SimWorker, world: World) => void;

const cut =
  (server: ServerName, state: LinkState): Lose =>
  (worker) => {
    worker.links[server].state = state;
  };

const losses: Readonly<Record<string, Lose>> = {
  'cut off from PostgreSQL': cut('postgres', 'silent'),
  'refused by PostgreSQL': cut('postgres', 'refused'),
  'cut off from the queue': cut('queue', 'silent'),
  killed: (worker) => worker.kill(),
  'killed, after its clock was set ahead,': (worker, { environment }) => {
    worker.stepClock(clockStepMs);
    environment.time.scheduleFor(undefined, killDelayMs, () => worker.kill());
  },
  paused: ({ process }) => process.pause(),
};
const lossNames = Object.keys(losses);

/** @param unique a number above those of all operations of the plan */
export function loseWorker(random: Random, startAt: number, unique: number, deviceCount: number): Operation[] {
  const [index, how] = [random.below(3), random.pick(lossNames)];
  const loss: Operation = {
    at: startAt,
    text: `all other faults end, and worker-${index + 1} is ${how}`,
    run: (world) => {
      world.repair();
      const worker = world.workers[index];
      if (worker) losses[how]?.(worker, world);
    },
  };
  const work = Array.from({ length: workCount }, (_, place) => ({
    at: startAt + Math.round(((place + 1) * lostMs) / workCount),
    ...randomWork(random, unique + 10 * place, deviceCount),
  }));
  return [loss, ...work];
}

/** Faults of the processes on servers, and of their connections. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { LinkState } from '../models/link.ts';
import { serverNames } from '../processes/environment.ts';
import type { SimApi } from '../processes/sim-api.ts';
import type { SimWorker } from '../processes/sim-worker.ts';
import type { World } from '../processes/world.ts';
import { type Fault, later, pickDuration, pickStep, seconds } from './fault.ts';

type ServerProcess = SimApi | SimWorker;

const cuts: readonly LinkState[] = ['refused', 'silent'];

/** Workers come first, since what they do wrong lasts. */
function pickProcess(random: Random): { name: string; find: (world: World) => ServerProcess | undefined } {
  const index = random.below(5);
  if (index < 3) return { name: `worker-${index + 1}`, find: ({ workers }) => workers[index] };
  return { name: `api-${index - 2}`, find: ({ apis }) => apis[index - 3] };
}

function onProcess(
  random: Random,
  describe: (name: string) => string,
  run: (process: ServerProcess, world: World) => void,
): Fault {
  const { name, find } = pickProcess(random);
  return {
    text: describe(name),
    run: (world) => {
      const process = find(world);
      if (process) run(process, world);
    },
  };
}

function startLater(process: ServerProcess, world: World, ms: number): void {
  process.kill();
  later(world, ms, () => {
    if (process.process.state === 'killed') process.start();
  });
}

export const processFaults: Readonly<Record<string, (random: Random) => Fault>> = {
  'cut-link': (random) => {
    const [server, state, ms] = [random.pick(serverNames), random.pick(cuts), pickDuration(random)];
    return onProcess(
      random,
      (name) => `${name} cannot reach ${server} for ${seconds(ms)} (${state})`,
      ({ links }, world) => {
        links[server].state = state;
        later(world, ms, () => links[server].repair());
      },
    );
  },
  'lost-answers': (random) => {
    const [server, ms] = [random.pick(serverNames), pickDuration(random)];
    return onProcess(
      random,
      (name) => `${name} loses half of the answers of ${server} for ${seconds(ms)}`,
      ({ links }, world) => {
        links[server].answerLoss = 0.5;
        later(world, ms, () => links[server].repair());
      },
    );
  },
  'slow-link': (random) => {
    const [server, ms, slownessMs] = [random.pick(serverNames), pickDuration(random), 50 + random.below(1500)];
    return onProcess(
      random,
      (name) => `the way from ${name} to ${server} takes ${seconds(slownessMs)} more for ${seconds(ms)}`,
      ({ links }, world) => {
        links[server].slownessMs = slownessMs;
        later(world, ms, () => links[server].repair());
      },
    );
  },
  kill: (random) => {
    const ms = pickDuration(random);
    return onProcess(
      random,
      (name) => `${name} is killed and started again after ${seconds(ms)}`,
      (process, world) => startLater(process, world, ms),
    );
  },
  pause: (random) => {
    const ms = pickDuration(random);
    return onProcess(
      random,
      (name) => `${name} is paused for ${seconds(ms)}`,
      ({ process }, world) => {
        process.pause();
        later(world, ms, () => world.environment.time.resume(process));
      },
    );
  },
  clock: (random) => {
    const ms = pickStep(random);
    return onProcess(
      random,
      (name) => `the clock of ${name} jumps by ${seconds(ms)}`,
      (process) => process.stepClock(ms),
    );
  },
  'worker-stop': (random) => {
    const [index, ms] = [random.below(3), pickDuration(random)];
    return {
      text: `worker-${index + 1} is stopped and started again after ${seconds(ms)}`,
      run: (world) => {
        const worker = world.workers[index];
        if (worker?.process.state !== 'running') return;
        worker.stop();
        later(world, ms, () => {
          if (worker.process.state === 'killed') worker.start();
        });
      },
    };
  },
  'lease-loss': (random) => {
    const index = random.below(3);
    return {
      text: `PostgreSQL ends the session with the leases of worker-${index + 1}`,
      run: ({ workers }) => workers[index]?.loseSession(),
    };
  },
};

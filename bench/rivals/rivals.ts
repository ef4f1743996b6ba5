/** Compares this system with other servers that share a document among devices. Runs only when asked for by name. */
import type { FieldId } from '../../shared/field/ids.ts';
import { openRawQueue } from '../baselines/raw-queue.ts';
import type { Bench } from '../bench.ts';
import { seedFields } from '../load/seed.ts';
import { format } from '../measure/statistics.ts';
import type { ClosedLoop, Pace } from './devices.ts';
import { createQueueMeasurements, measureJoin, measureLoss, measurePace, measureTurns } from './measure.ts';
import { type Measured, queueName, Results } from './results.ts';
import { startColyseus } from './systems/colyseus-system.ts';
import { createFieldSystem } from './systems/field-system.ts';
import { startHocuspocus } from './systems/hocuspocus-system.ts';
import { installRivalPackages } from './systems/rival-packages.ts';
import { entryCount, type System } from './systems/system.ts';

const field = 'bench-rivals' as FieldId;

interface Plan {
  readonly rounds: number;
  readonly paces: readonly Pace[];
  /** Sent once to each system before the rounds, until the code of all processes is compiled. */
  readonly warmUp: Pace | undefined;
  readonly turns: ClosedLoop;
  readonly joins: number;
  readonly lost: ClosedLoop;
}

const many = 100;
/** A device then sends 50 a second at 1,000/s, and what has to be done one after the other for each device shows. */
const few = 20;
const pace = (devices: number, perSecond: number): Pace => ({ devices, perSecond, seconds: 10, arrivalSeconds: 1 });

/** One round: a Yjs document grows with each device that has ever written to it, so that a second round would be slower. */
const fullPlan: Plan = {
  rounds: 1,
  paces: [pace(many, 200), pace(many, 500), pace(many, 1000), pace(few, 1000)],
  warmUp: pace(many, 1000),
  turns: { devices: 64, updates: 10_000 },
  joins: 20,
  lost: { devices: 64, updates: 640 },
};

const quickPlan: Plan = {
  rounds: 1,
  paces: [pace(many, 200), pace(many, 1000), pace(few, 1000)].map((pace) => ({
    ...pace,
    seconds: 1,
    arrivalSeconds: 0.5,
  })),
  warmUp: undefined,
  turns: { devices: 64, updates: 1000 },
  joins: 3,
  lost: { devices: 64, updates: 128 },
};

export const rivals: Bench = {
  name: 'rivals',
  about: 'the same updates to one document of 1,000 entries, compared with Hocuspocus, Colyseus and BullMQ alone',
  isOptional: true,
  async run({ stack, isQuick, printLine }) {
    const versions = await installRivalPackages(printLine);
    const plan = isQuick ? quickPlan : fullPlan;
    await seedFields(stack, [field], entryCount);
    const queue = await openRawQueue(stack);
    const bullmq = await createQueueMeasurements(stack, queue, field);
    const inMemory = await startHocuspocus(stack, { isStored: false });
    const stored = await startHocuspocus(stack, { isStored: true });
    const colyseus = await startColyseus();
    const socket = createFieldSystem(stack, field, 'WebSocket');
    const post = createFieldSystem(stack, field, 'POST');
    const systems: readonly System[] = [socket, post, inMemory, stored, colyseus];
    const results = new Results(systems, versions);
    try {
      const measureJoins = async (when: 'joinBefore' | 'joinAfter') => {
        for (const system of systems) results.add(system.name, when, await measureJoin(system, plan.joins));
      };
      await measureJoins('joinBefore');
      if (plan.warmUp) {
        for (const system of systems) await measurePace(system, plan.warmUp);
        await bullmq.pace(plan.warmUp);
      }
      for (let number = 1; number <= plan.rounds; number++) {
        for (const pace of plan.paces) {
          const add = (name: string, measured: Measured['paced']) => {
            results.add(name, 'paced', measured);
            const [p50, p99] = measured.seen.map((ms) => format(ms, 1));
            const cost = `${format(measured.cpuUs)} µs of CPU`;
            const load = `${format(pace.perSecond)}/s of ${pace.devices} devices`;
            printLine(`round ${number}: ${load}: ${name}: seen p50 ${p50}, p99 ${p99} ms, ${cost}`);
          };
          for (const system of systems) {
            add(system.name, { ...pace, ...(await measurePace(system, pace)) });
          }
          add(queueName, { ...pace, ...(await bullmq.pace(pace)) });
        }
        const addTurns = (name: string, measured: Measured['turns']) => {
          results.add(name, 'turns', measured);
          printLine(`round ${number}: ${plan.turns.devices} devices: ${name}: ${format(measured.perSecond)} updates/s`);
        };
        for (const system of systems) addTurns(system.name, await measureTurns(system, plan.turns));
        addTurns(queueName, await bullmq.turns(plan.turns));
      }
      await measureJoins('joinAfter');
      await queue.close(); // Before its Redis is killed.
      results.add(queueName, 'loss', await bullmq.loss(plan.lost.updates));
      for (const system of systems) {
        const loss = await measureLoss(system, plan.lost);
        results.add(system.name, 'loss', loss);
        printLine(`kill -9: ${system.name}: ${loss.present} of ${loss.acknowledged} acknowledged updates are present`);
      }
    } finally {
      for (const rival of [inMemory, stored, colyseus]) await rival.stop();
    }
    return results.describe(plan.turns.devices);
  },
};

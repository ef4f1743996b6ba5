/** Steps the clock of one process by minutes to a year, ahead or back, and later sets it right again. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../support/wait-until.ts';
import { isReady } from '../stack/field-processes.ts';
import { createProcessClock } from '../stack/process-clock.ts';
import type { SupervisedProcess } from '../stack/supervised-process.ts';
import { type Fault, type FaultContext, pickVictim, waitUntilConnected } from './fault-context.ts';

const stepsSeconds = { '3 minutes': 180, '5 hours': 18_000, '40 days': 3_456_000, 'a year': 31_536_000 };
const shortHoldMs = 6000;
const longHoldMs = 15_000;
const startTimeout = { timeoutMs: 60_000, intervalMs: 100 };

export const stepWorkerClock: Fault = { stepsClock: true, inject: (context) => stepClock(context, 'workers') };
export const stepApiClock: Fault = { stepsClock: true, inject: (context) => stepClock(context, 'apis') };

async function stepClock(context: FaultContext, component: 'apis' | 'workers'): Promise<void> {
  const { stack, random, isShort, notes, anomalies } = context;
  const victim = pickVictim(random, stack[component]);
  const clock = await createProcessClock(join(stack.folder, `${victim.name}.clock`));
  const exit = await victim.suspend();
  if (exit !== 'code 0') anomalies.push(`${victim.name} exited with ${exit} on SIGTERM`);
  await victim.start(clock.applyTo);
  await waitUntilServing(context, victim);
  const [name, seconds] = random.pick(Object.entries(stepsSeconds));
  const isAhead = random.chance(0.5);
  notes.push(`${victim.name} ${name} ${isAhead ? 'ahead' : 'back'} by ${clock.method}`);
  await clock.step(isAhead ? seconds : -seconds);
  await delay(isShort ? shortHoldMs : longHoldMs);
  await clock.step(0);
}

async function waitUntilServing({ stack }: FaultContext, victim: SupervisedProcess): Promise<void> {
  await waitUntilConnected(stack, victim);
  const address = stack.addresses[stack.apis.indexOf(victim)];
  if (address === undefined) return;
  await waitUntil(`${victim.name} is ready`, () => isReady(address).catch(() => false), startTimeout);
}

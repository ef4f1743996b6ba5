/** The measurements, the same for each system. */
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { FieldId } from '../../shared/field/ids.ts';
import type { RawQueue } from '../baselines/raw-queue.ts';
import { createWriters, moveParticle, toJob } from '../load/writers.ts';
import { readUsageOfTrees } from '../measure/process-usage.ts';
import { median, percentile } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { type ClosedLoop, type Pace, sendAtPace, sendInTurn } from './devices.ts';
import { entryCount, type Join, type System } from './systems/system.ts';

/**
 * Of one round, in ms and µs. `loadPercent` is the CPU of the load generator in percent of a core: near 100, it and not the system
 * is measured.
 */
export interface PacedRound {
  readonly acknowledged: readonly [p50: number, p99: number];
  readonly seen: readonly [p50: number, p99: number];
  readonly cpuUs: number;
  readonly loadPercent: number;
}

export interface TurnRound {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly loadPercent: number;
}

export interface Loss {
  readonly acknowledged: number;
  readonly present: number;
  /** From the kill until all that is left was there, in seconds. */
  readonly seconds: number;
}

const p50AndP99 = (times: readonly number[]) => [percentile(times, 0.5), percentile(times, 0.99)] as const;

export async function measurePace(system: System, pace: Pace): Promise<PacedRound> {
  let cpuBefore = 0;
  let readLoad = startLoadMeter();
  const { acknowledged, seen } = await sendAtPace(system, pace, () => {
    cpuBefore = system.readCpuMs();
    readLoad = startLoadMeter();
  });
  const loadPercent = readLoad();
  await delay(system.settleMs);
  const cpuMs = system.readCpuMs() - cpuBefore;
  const updates = pace.perSecond * (pace.seconds + pace.arrivalSeconds);
  return { acknowledged: p50AndP99(acknowledged), seen: p50AndP99(seen), cpuUs: (1000 * cpuMs) / updates, loadPercent };
}

export async function measureTurns(system: System, loop: ClosedLoop): Promise<TurnRound> {
  let cpuBefore = 0;
  let readLoad = startLoadMeter();
  let loadPercent = 0;
  const { ms, sent } = await sendInTurn(system, loop, {
    onConnected() {
      cpuBefore = system.readCpuMs();
      readLoad = startLoadMeter();
    },
    onAcknowledged() {
      loadPercent = readLoad();
    },
  });
  await delay(system.settleMs);
  const cpuMs = system.readCpuMs() - cpuBefore;
  return {
    perSecond: (1000 * sent.length) / ms,
    cpuUs: (1000 * cpuMs) / sent.length,
    loadPercent,
  };
}

/** Medians of several joins, one after the other. */
export async function measureJoin(system: System, count: number): Promise<Join> {
  const joins: Join[] = [];
  for (let number = 0; number < count; number++) joins.push(await system.join());
  return { ms: median(joins.map(({ ms }) => ms)), bytes: median(joins.map(({ bytes }) => bytes)) };
}

/** Kills all processes at the last acknowledgement, and counts what is there after a restart. */
export async function measureLoss(system: System, loop: ClosedLoop): Promise<Loss> {
  let killedAt = 0;
  const { sent } = await sendInTurn(system, loop, {
    onAcknowledged() {
      killedAt = performance.now();
      return system.crash();
    },
  });
  const present = await system.countPresent(sent);
  return { acknowledged: sent.length, present, seconds: secondsSince(killedAt) };
}

/** @returns a function that reads the CPU of this process since then, in percent of a core */
function startLoadMeter(): () => number {
  const [before, startedAt] = [process.cpuUsage(), performance.now()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (10 * (performance.now() - startedAt));
  };
}

function secondsSince(time: number): number {
  return (performance.now() - time) / 1000;
}

/** What BullMQ alone does with the jobs that the API would enqueue: add them, and process them without doing anything. */
export async function createQueueMeasurements(stack: BenchStack, queue: RawQueue, field: FieldId) {
  const [writer] = await createWriters(1);
  if (!writer) throw new Error('there is no writer');
  const make = () => toJob(writer, field, [moveParticle(entryCount)(1, 0)]);
  const readCpuMs = () => {
    const worker = readUsageOfTrees([queue.workerPid]).get(queue.workerPid)?.cpuMs ?? 0;
    return worker + (stack.usage.readCpuMs().get('queue Redis') ?? 0);
  };
  return {
    async pace({ perSecond, seconds }: Pace): Promise<Pick<PacedRound, 'seen' | 'cpuUs'>> {
      const cpuBefore = readCpuMs();
      const times = await queue.pace(make, perSecond, seconds);
      return { seen: p50AndP99(times), cpuUs: (1000 * (readCpuMs() - cpuBefore)) / times.length };
    },
    async turns({ devices, updates }: ClosedLoop): Promise<Pick<TurnRound, 'perSecond' | 'cpuUs'>> {
      const cpuBefore = readCpuMs();
      const ms = await queue.run(Array.from({ length: updates }, make), devices);
      return { perSecond: (1000 * updates) / ms, cpuUs: (1000 * (readCpuMs() - cpuBefore)) / updates };
    },
    /** Jobs of a queue without a worker, so that all wait when Redis is killed. */
    async loss(jobs: number): Promise<Loss> {
      const waiting = new Queue('waiting', { connection: { url: stack.urls.queue }, prefix: '{bench-raw}' });
      waiting.on('error', () => undefined); // It reconnects after the restart.
      await Promise.all(Array.from({ length: jobs }, () => waiting.add('apply-updates', make())));
      const killedAt = performance.now();
      await stack.crash();
      const present = await waiting.getWaitingCount();
      await waiting.close();
      return { acknowledged: jobs, present, seconds: secondsSince(killedAt) };
    },
  };
}

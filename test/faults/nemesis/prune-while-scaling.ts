/** Prunes the logs as maintenance does, while workers come and go. */
import { setTimeout as delay } from 'node:timers/promises';
import { lockFields } from '../../../db/write/lock-fields.ts';
import { findPrunePoint } from '../../../db/write/log-pruning.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { pruneThrough } from '../../../workers/maintenance/prune-logs.ts';
import { archiveLog } from '../checker/read-log.ts';
import type { Observer } from '../observer.ts';
import type { FaultStack } from '../stack/fault-stack.ts';
import type { SupervisedProcess } from '../stack/supervised-process.ts';
import { type Fault, type FaultContext, waitUntilConnected } from './fault-context.ts';

/** Longer than an update takes from a device to the log: what is written later than that may meet no tombstone. */
const retentionMs = 12_000;
const pruneIntervalMs = 700;
/** A short log must grow old enough first. */
const maxPruningMs = 40_000;
const scaleSteps = 6;
const shortScaleSteps = 3;

export const pruneWhileScaling: Fault = {
  async inject(context) {
    const done = new AbortController();
    const scaling = scaleWorkers(context).finally(() => done.abort());
    const [pruned] = await Promise.all([pruneUntil(context, done.signal), scaling]);
    context.notes.push(`${pruned} log entries pruned`);
  },
};

/** Prunes until the signal and until something was old enough. @returns the number of deleted entries */
async function pruneUntil({ observer, devicePool }: FaultContext, signal: AbortSignal): Promise<number> {
  let pruned = 0;
  const deadline = performance.now() + maxPruningMs;
  while (!signal.aborted || (pruned === 0 && performance.now() < deadline)) {
    for (const field of devicePool.fields) pruned += await pruneOldEntries(observer, field);
    await delay(pruneIntervalMs);
  }
  return pruned;
}

/** Between one and three workers run. */
async function scaleWorkers({ stack, random, isShort, anomalies }: FaultContext): Promise<void> {
  const scaled = [...stack.workers.slice(1), stack.spareWorker];
  for (let step = isShort ? shortScaleSteps : scaleSteps; step > 0; step -= 1) {
    const worker = random.pick(scaled);
    if (worker.isRunning) await suspend(worker, anomalies);
    else await start(stack, worker);
    await delay(1000 + random.below(2000));
  }
  await suspend(stack.spareWorker, anomalies);
  for (const worker of stack.workers) if (!worker.isRunning) await start(stack, worker);
}

async function start(stack: FaultStack, worker: SupervisedProcess): Promise<void> {
  await worker.start();
  await waitUntilConnected(stack, worker);
}

async function suspend(worker: SupervisedProcess, anomalies: string[]): Promise<void> {
  const exit = await worker.suspend();
  if (exit !== 'code 0' && exit !== 'not running') anomalies.push(`${worker.name} exited with ${exit} on SIGTERM`);
}

/** The steps of the maintenance task, without its minimum of a thousand versions. @returns the number of deleted entries */
async function pruneOldEntries({ db, archive }: Observer, field: FieldId): Promise<number> {
  await archiveLog(db, archive, field);
  return db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [field]);
    if (!locked) return 0;
    const { logStart, version } = locked;
    const cutoff = await readCutoff(trx);
    // The last entry is kept, since it is the one that records the purge of tombstones.
    const limit = version - 1 - logStart;
    const through = await findPrunePoint(trx, field, { logStart, cutoff, limit });
    if (through > logStart) await pruneThrough(trx, locked, through);
    return through - logStart;
  });
}

async function readCutoff(trx: Observer['db']): Promise<number> {
  const { rows } = await trx.raw<{ rows: { now: number }[] }>('SELECT extract(epoch FROM now())::float8 * 1000 AS now');
  return Math.floor(rows[0]?.now ?? 0) - retentionMs;
}

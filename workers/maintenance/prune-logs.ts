/** Prunes log entries that are older than the retention, in slices of one transaction each. */
import type { Knex } from 'knex';
import { isErasedAt, loadSnapshotAtOrBefore, loadStoredState, readLogAfter } from '../../db/read/load-state.ts';
import { readServerTime } from '../../db/read/server-time.ts';
import { type LockedField, lockFields } from '../../db/write/lock-fields.ts';
import {
  deleteLogThrough,
  findPrunableFields,
  findPrunePoint,
  markTombstonesPurged,
} from '../../db/write/log-pruning.ts';
import { archiveSnapshot, writeSnapshots } from '../../db/write/write-snapshots.ts';
import type { WorkerConfig } from '../../shared/config/config.ts';
import { purgeTombstones } from '../../shared/field/fold.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import { dayMs } from '../../shared/time-units.ts';
import type { MaintenanceDeps } from '../worker-context.ts';
import { eachField } from './each-field.ts';

const sliceVersions = 20_000;
/** A busy field is pruned in steps of at least this many versions, since each step keeps a snapshot. */
const minStepVersions = 1000;

type PruneDeps = Pick<MaintenanceDeps, 'db' | 'log'> & { readonly config: Pick<WorkerConfig, 'LOG_RETENTION_DAYS'> };

/** @returns how many log entries were deleted */
export async function pruneLogs({ db, config, log }: PruneDeps): Promise<number> {
  const cutoff = (await readServerTime(db)) - config.LOG_RETENTION_DAYS * dayMs;
  let prunedVersions = 0;
  await eachField(await findPrunableFields(db, cutoff), log, async (field) => {
    let step: number;
    do {
      step = await pruneField(db, field, cutoff);
      prunedVersions += step;
    } while (step >= minStepVersions);
  });
  return prunedVersions;
}

/** Prunes one slice of one field. @returns how many log entries were deleted */
async function pruneField(db: Knex, field: FieldId, cutoff: number): Promise<number> {
  return db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [field]);
    if (!locked) return 0;
    const { logStart, version } = locked;
    const through = await findPrunePoint(trx, field, { logStart, cutoff, limit: sliceVersions });
    const step = through - logStart;
    if (step === 0 || (step < minStepVersions && through < version)) return 0;
    await pruneThrough(trx, locked, through);
    return step;
  });
}

/** Deletes the log of a locked field up to and including a version, and purges the tombstones up to it. */
export async function pruneThrough(trx: Knex.Transaction, locked: LockedField, through: number): Promise<void> {
  const { field, logStart } = locked;
  await archiveBaseSnapshot(trx, field, through, logStart);
  await purgeFieldTombstones(trx, field, through);
  await deleteLogThrough(trx, field, { logStart, through });
}

/** Archives a snapshot at `through`, which the pruned log continues, unless an erasure after it made that unreadable. */
async function archiveBaseSnapshot(
  trx: Knex.Transaction,
  field: FieldId,
  through: number,
  logStart: number,
): Promise<void> {
  if (await isErasedAt(trx, field, through)) return;
  const base = await loadSnapshotAtOrBefore(trx, field, through, logStart);
  if (!base) throw new Error(`the log of ${field} begins at a snapshot that is missing`);
  for await (const entry of readLogAfter(trx, field, base.version, through)) replayUpdate(base, entry);
  await archiveSnapshot(trx, base);
}

/** Purges the tombstones up to `through`, and records in the log after which version that happened. */
async function purgeFieldTombstones(trx: Knex.Transaction, field: FieldId, through: number): Promise<void> {
  const state = await loadStoredState(trx, field);
  if (!state) return;
  purgeTombstones(state, through);
  await markTombstonesPurged(trx, field, { version: state.version, through });
  await writeSnapshots(trx, [state]);
  await archiveSnapshot(trx, state);
}

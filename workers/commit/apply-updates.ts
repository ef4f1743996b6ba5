/** Applies the jobs of one field to its hot copy: folds new updates, and answers duplicates from their receipts. No I/O. */

import type { FoundReceipt } from '../../db/read/receipts.ts';
import type { FieldCommit, NewLogEntry } from '../../db/write/append-commits.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { UpdateResult } from '../../shared/contract/receipt.ts';
import type { DeltaUpdate } from '../../shared/contract/stream.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { type ChangeSet, emptyChangeSet } from '../../shared/field/merge-update.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import type { Update } from '../../shared/field/update.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import type { HotField } from './hot-field-cache.ts';

/** The outcome of the jobs of one field. */
export interface AppliedJobs {
  /** The field's version before. */
  readonly from: number;
  readonly commit: FieldCommit;
  /** The registers that changed. */
  readonly changes: ChangeSet;
  /** The results of each job, in the order of the jobs; undefined for a deferred job. */
  readonly results: readonly (readonly UpdateResult[] | undefined)[];
  /** The results of all jobs together, as the delta to subscribers lists them. */
  readonly updates: readonly DeltaUpdate[];
}

/** An update that was applied before, under a device's counter. */
interface PriorUpdate {
  readonly version: number;
  /** Undefined when its log entry has been pruned. */
  readonly update: Update | undefined;
}

/** The updates that may have been applied before: those whose counter is not above their device's highest. */
export function findPossibleDuplicates({ clock, state }: HotField, jobs: readonly ApplyUpdates[]) {
  return jobs.flatMap(({ device, updates }) =>
    updates
      .filter(({ counter }) => counter <= (clock.get(device) ?? 0))
      .map(({ counter }) => ({ field: state.field, device, counter })),
  );
}

/**
 * Folds every new update into the hot copy, which is ahead of the database until the transaction commits.
 * @param receipts what the log says of the possible duplicates
 * @param now this process's clock in ms; log time is never earlier than that of the field's last update
 */
export function applyJobs(
  hotField: HotField,
  jobs: readonly ApplyUpdates[],
  receipts: readonly FoundReceipt[],
  now: number,
): AppliedJobs {
  const { state, clock } = hotField;
  const from = state.version;
  const time = Math.max(state.time, now);
  const fieldReceipts = receipts.filter(({ field }) => field === state.field);
  const priorUpdates = new Map(fieldReceipts.flatMap((receipt) => toPriorUpdates(receipt, from)));
  const entries: NewLogEntry[] = [];
  const conflicts: Conflict[] = [];
  const changes = emptyChangeSet();
  const updates: DeltaUpdate[] = [];

  const apply = (device: DeviceId, update: Update, user: string | undefined): UpdateResult => {
    const { counter } = update;
    const key = `${device} ${counter}`;
    const prior = priorUpdates.get(key);
    if (prior) {
      const isSame = isSamePayload(prior.update, update);
      return { counter, outcome: isSame ? 'duplicate' : 'reused', version: prior.version };
    }
    const { conflicts: newConflicts, version, outcome, resolution } = foldUpdate(state, device, update, time, changes);
    entries.push({ version, device, time, outcome, resolution, update, user });
    conflicts.push(...newConflicts);
    clock.set(device, Math.max(clock.get(device) ?? 0, counter));
    priorUpdates.set(key, { version, update });
    return { counter, outcome, version, ...(resolution ? { resolution } : {}) };
  };

  const results = jobs.map(({ device, updates: jobUpdates, user }) => {
    if (hotField.reorderWindow.shouldDefer(device, clock.get(device) ?? 0, jobUpdates[0]?.counter ?? 0, now))
      return undefined;
    return jobUpdates.map((update) => {
      const result = apply(device, update, user);
      updates.push({ device, ...result });
      return result;
    });
  });
  return { from, commit: { state, entries, conflicts }, changes, results, updates };
}

function toPriorUpdates({ device, counter, entry, isPruned }: FoundReceipt, version: number): [string, PriorUpdate][] {
  const key = `${device} ${counter}`;
  if (entry) return [[key, entry]];
  return isPruned ? [[key, { version, update: undefined }]] : [];
}

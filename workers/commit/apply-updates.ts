/** Applying what waits for one field to its live copy: what is new is folded, what is not gets its receipt. No I/O. */

import type { FoundReceipt } from '../../db/read/receipts.ts';
import type { FieldCommit, NewEntry } from '../../db/write/field-writer.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { UpdateResult } from '../../shared/contract/receipt.ts';
import type { DeltaUpdate } from '../../shared/contract/stream.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { nothingTouched, type Touched } from '../../shared/field/merge-update.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import type { Update } from '../../shared/field/update.ts';
import { isSameContent } from '../../shared/updates/same-payload.ts';
import type { LiveField } from './hot-field-cache.ts';

/** What became of the jobs of one field. */
export interface AppliedJobs {
  /** The version before. */
  readonly from: number;
  readonly commit: FieldCommit;
  readonly touched: Touched;
  /** Of each job, in the order that they came in; undefined for a job that is held back. */
  readonly results: readonly (readonly UpdateResult[] | undefined)[];
  /** Of all of them, for the readers. */
  readonly updates: readonly DeltaUpdate[];
}

/** What is known to have been applied under a device's counter. */
interface Earlier {
  readonly version: number;
  /** Undefined when the log no longer has it. */
  readonly update: Update | undefined;
}

/** The updates that may have been applied before: those that are not above their device's highest counter. */
export function findSuspects({ clock, state }: LiveField, jobs: readonly ApplyUpdates[]) {
  return jobs.flatMap(({ device, updates }) =>
    updates
      .filter(({ counter }) => counter <= (clock.get(device) ?? 0))
      .map(({ counter }) => ({ field: state.field, device, counter })),
  );
}

/**
 * Folds every update that is new into the live copy, which stands on its own until the transaction commits.
 * @param found what the log says of the suspects
 * @param now this process's clock in ms; log time never goes back
 */
export function applyJobs(
  live: LiveField,
  jobs: readonly ApplyUpdates[],
  found: readonly FoundReceipt[],
  now: number,
): AppliedJobs {
  const { state, clock } = live;
  const from = state.version;
  const time = Math.max(state.time, now);
  const own = found.filter(({ field }) => field === state.field);
  const earlier = new Map(own.flatMap((receipt) => earlierOf(receipt, from)));
  const entries: NewEntry[] = [];
  const conflicts: Conflict[] = [];
  const touched = nothingTouched();
  const updates: DeltaUpdate[] = [];

  const apply = (device: DeviceId, update: Update, user: string | undefined): UpdateResult => {
    const { counter } = update;
    const name = `${device} ${counter}`;
    const known = earlier.get(name);
    if (known) {
      const isSame = isSameContent(known.update, update);
      return { counter, outcome: isSame ? 'duplicate' : 'reused', version: known.version };
    }
    const { conflicts: met, version, outcome, resolution } = foldUpdate(state, device, update, time, touched);
    entries.push({ version, device, time, outcome, resolution, update, user });
    conflicts.push(...met);
    clock.set(device, Math.max(clock.get(device) ?? 0, counter));
    earlier.set(name, { version, update });
    return { counter, outcome, version, ...(resolution ? { resolution } : {}) };
  };

  const results = jobs.map(({ device, updates: sent, user }) => {
    if (live.holds.isEarly(device, clock.get(device) ?? 0, sent[0]?.counter ?? 0, now)) return undefined;
    return sent.map((update) => {
      const result = apply(device, update, user);
      updates.push({ device, ...result });
      return result;
    });
  });
  return { from, commit: { state, entries, conflicts }, touched, results, updates };
}

function earlierOf({ device, counter, row, pruned }: FoundReceipt, version: number): [string, Earlier][] {
  const name = `${device} ${counter}`;
  if (row) return [[name, row]];
  return pruned ? [[name, { version, update: undefined }]] : [];
}

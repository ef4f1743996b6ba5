/** Applies the jobs of one field to its hot copy: folds new updates, and answers duplicates from their receipts. No I/O. */

import type { FieldCommit, FoundReceipt } from '../../db/field-store.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { DeltaUpdate, UpdateResult } from '../../shared/contract/messages.ts';
import { type Cursor, formatCursor, versionOf } from '../../shared/field/cursor.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { type ChangeSet, emptyChangeSet } from '../../shared/field/merge-update.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { rulesVersion } from '../../shared/field/rules.ts';
import { cursorOf } from '../../shared/field/state.ts';
import type { SentUpdate, Update } from '../../shared/field/update.ts';
import { createSalt, hashEntry } from '../../shared/history/entry-hash.ts';
import { estimateJobBytes } from '../../shared/queue/job-size.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import { type HotField, lastCounterOf } from './hot-field-cache.ts';

/** The outcome of the jobs of one field. */
export interface AppliedJobs {
  /** The field's cursor before the jobs. */
  readonly from: Cursor;
  readonly commit: FieldCommit;
  /** The registers that changed. */
  readonly changes: ChangeSet;
  /** The results of each job, in the order of the jobs; undefined for a deferred job. */
  readonly results: readonly (readonly UpdateResult[] | undefined)[];
  /** The results of all jobs together, as the delta to subscribers lists them. */
  readonly updates: readonly DeltaUpdate[];
}

/** How jobs are applied, and what was read for them beforehand. */
export interface ApplyOptions {
  /** What the log has of the possible duplicates. */
  readonly receipts: readonly FoundReceipt[];
  /** The cursors that are older than the window of the hot copy, but are in the log. */
  readonly knownCursors: ReadonlySet<Cursor>;
  /** PostgreSQL's clock in ms; log time is never earlier than that of the field's last update. */
  readonly now: number;
  /** Whether jobs may wait for the previous updates of their devices. */
  readonly mayDefer: boolean;
}

/** An update that was applied before, under a device's counter. */
interface PriorUpdate {
  readonly version: number;
  readonly hash: string;
  /** Undefined when its log entry has been pruned. */
  readonly update: Update | undefined;
}

/**
 * The updates that may have been applied before: those whose counter is not above their device's highest. In a field with
 * erased devices, also all updates of a device whose erased counter has not been looked up.
 */
export function findPossibleDuplicates(hotField: HotField, jobs: readonly ApplyUpdates[]) {
  const { field } = hotField.state;
  return jobs.flatMap(({ device, updates }) =>
    updates
      .filter(({ counter }) => counter <= lastCounterOf(hotField, device))
      .map(({ counter }) => ({ field, device, counter })),
  );
}

/** The cursors that devices have seen and that are older than the window of the hot copy. */
export function findUnresolvedCursors({ cursors, state }: HotField, jobs: readonly ApplyUpdates[]) {
  const unresolved = findSeenCursors(jobs).filter((cursor) => cursors.includes(cursor) === undefined);
  return unresolved.map((cursor) => ({ field: state.field, cursor }));
}

function findSeenCursors(jobs: readonly ApplyUpdates[]): Cursor[] {
  const all = jobs.flatMap(({ updates }) => updates.map(({ seen }) => seen));
  return [...new Set(all)].filter((cursor) => typeof cursor === 'string');
}

/** Folds every new update into the hot copy, which is ahead of the database until the commit is appended. */
export function applyJobs(
  hotField: HotField,
  jobs: readonly ApplyUpdates[],
  { receipts, knownCursors, now, mayDefer }: ApplyOptions,
): AppliedJobs {
  const { state, clock, cursors } = hotField;
  if (hotField.hasErasedCounters) {
    for (const { device, erasedThrough = 0 } of receipts) hotField.erasedCounters.set(device, erasedThrough);
  }
  const from = cursorOf(state);
  const { version, hash } = state;
  const expected = { version, hash, sweptThrough: state.dynamics.sweptThrough };
  const time = Math.max(state.time, now);
  const priorUpdates = new Map(receipts.flatMap((receipt) => toPriorUpdates(receipt, expected)));
  const entries: FieldCommit['entries'][number][] = [];
  const conflicts: Conflict[] = [];
  const changes = emptyChangeSet();
  const updates: DeltaUpdate[] = [];

  // Resolved before the fold, which drops the oldest cursors from the window: these were not looked up, as the window had them.
  const known = new Set(findSeenCursors(jobs).filter((cursor) => cursors.includes(cursor) ?? knownCursors.has(cursor)));
  const resolveSeen = (seen: SentUpdate['seen']): number => {
    if (typeof seen === 'number') return Math.min(seen, state.version);
    return known.has(seen) ? versionOf(seen) : 0;
  };

  const resolveContext = ({ clock: sentClock, ...sent }: SentUpdate): Update => {
    const heldDown = sentClock && holdDown(sentClock, clock);
    return { ...sent, seen: resolveSeen(sent.seen), ...(heldDown ? { clock: heldDown } : {}) };
  };

  const append = (device: DeviceId, user: string | undefined, sent: SentUpdate): UpdateResult => {
    const update = resolveContext(sent);
    const salt = createSalt();
    const previousHash = state.hash;
    const folded = foldUpdate(state, device, update, time, changes);
    const { version, outcome, resolution } = folded;
    const content = { rules: rulesVersion, device, user, update };
    state.hash = hashEntry(previousHash, { version, time, outcome, salt, ...content });
    cursors.add(version, state.hash);
    entries.push({ version, hash: state.hash, salt, device, time, outcome, resolution, update, user });
    conflicts.push(...folded.conflicts);
    const { counter } = update;
    clock.set(device, Math.max(clock.get(device) ?? 0, counter));
    priorUpdates.set(`${device} ${counter}`, { version, hash: state.hash, update });
    return { counter, outcome, version, cursor: cursorOf(state), ...(resolution ? { resolution } : {}) };
  };

  const results = jobs.map(({ device, updates: jobUpdates, user }) => {
    const lastCounter = lastCounterOf(hotField, device);
    const [{ counter } = { counter: 0 }] = jobUpdates;
    if (mayDefer && hotField.reorderWindow.shouldDefer(device, lastCounter, counter, now)) return undefined;
    return jobUpdates.map((update) => {
      const prior = priorUpdates.get(`${device} ${update.counter}`);
      const result = prior ? toRepeatedResult(update, prior) : append(device, user, update);
      const { cursor, ...withoutCursor } = result;
      updates.push({ device, ...withoutCursor });
      return result;
    });
  });
  const bytes = estimateJobBytes({ updates: entries.map(({ update }) => update) });
  hotField.bytesSinceSnapshot += bytes;
  hotField.bytesSinceArchive += bytes;
  return { from, commit: { expected, state, clock, entries, conflicts }, changes, results, updates };
}

/**
 * Limits a vector clock to the counters that have been applied. Devices that this field does not have are left out, so that
 * the updates of others do not bring an erased device back into the log.
 */
function holdDown(sent: Readonly<Record<string, number>>, applied: ReadonlyMap<string, number>) {
  const entries = Object.entries(sent).flatMap(([device, counter]): [string, number][] => {
    const last = applied.get(device);
    return last === undefined ? [] : [[device, Math.min(counter, last)]];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function toRepeatedResult(sent: SentUpdate, { version, hash, update }: PriorUpdate): UpdateResult {
  const { counter } = sent;
  const outcome = !update ? 'expired' : isSamePayload(update, sent) ? 'duplicate' : 'reused';
  return { counter, outcome, version, cursor: formatCursor(version, hash) };
}

function toPriorUpdates(
  { device, counter, entry, isPruned }: FoundReceipt,
  position: FieldCommit['expected'],
): [string, PriorUpdate][] {
  const key = `${device} ${counter}`;
  if (entry) return [[key, entry]];
  return isPruned ? [[key, { ...position, update: undefined }]] : [];
}

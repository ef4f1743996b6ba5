/**
 * Appends an erasure to the log of a field. From this commit on, the state no longer contains the erased data, replays start here,
 * and states in between that contained it cannot be read any more. Workers with older copies cannot append to the field
 * (append-commits.ts). The content of the erased entries is deleted afterwards, in batches (wipe-entries.ts).
 */
import type { Knex } from 'knex';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import { type Erasure, eraseRegisters, pseudonymousDevice } from '../../shared/field/erasure.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { ChangeSet } from '../../shared/field/merge-update.ts';
import { rulesVersion } from '../../shared/field/rules.ts';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState, cursorOf, type FieldState } from '../../shared/field/state.ts';
import { createSalt, hashEntry } from '../../shared/history/entry-hash.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { encodeSnapshotColumns, SnapshotRow } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';
import { loadStoredState } from '../read/load-state.ts';
import { readServerTime } from '../read/server-time.ts';
import { lockFields } from '../write/lock-fields.ts';
import { archiveSnapshot } from '../write/write-snapshots.ts';
import {
  createStampFilter,
  type ErasableClock,
  type ErasableEntry,
  findErasableClocks,
  findErasableConflicts,
  findErasableEntries,
} from './erasable.ts';
import { type CounterList, keepCounters } from './keep-counters.ts';
import { type ErasureSubject, isKnownDevice } from './subject.ts';
import { wipeErasures } from './wipe-erasures.ts';

export interface ErasureOptions {
  /** The id of the erasure. */
  readonly id: string;
  readonly subject: ErasureSubject;
  readonly pseudonyms: Pseudonyms;
  /** Counters of updates that were accepted and taken out of the queues before they were applied. */
  readonly unapplied: CounterList;
}

export interface AppendedErasure {
  /** The cursor before. */
  readonly from: ReturnType<typeof cursorOf>;
  readonly state: FieldState;
  /** The registers that became empty. */
  readonly changes: ChangeSet;
  readonly counts: {
    readonly registers: number;
    readonly conflicts: number;
    readonly clocks: number;
    readonly snapshots: number;
  };
}

/**
 * @returns undefined when there is nothing to erase, apart from content of entries before this erasure's previous entry, or when
 * a device has appeared that the subject does not include yet, because its clock would be left behind
 */
export async function appendErasure(
  db: Knex,
  field: FieldId,
  options: ErasureOptions,
): Promise<AppendedErasure | undefined> {
  return db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [field]);
    const state = locked && (await loadStoredState(trx, field));
    if (!state) return undefined;
    const { id, subject, unapplied } = options;
    const entries = await findErasableEntries(trx, field, subject, await findLastErasure(trx, field, id));
    if (entries.some(({ device }) => !isKnownDevice(subject, device))) return undefined;
    const clocks = await findErasableClocks(trx, field, subject);
    const from = cursorOf(state);
    const erased = eraseRegisters(state, createStampFilter(subject, entries), pseudonymousDevice(id));
    if (entries.length + clocks.length + erased.registers + unapplied.length === 0) return undefined;
    if (subject.field !== undefined) resetDynamics(state);
    const conflicts = await deleteConflicts(trx, field, subject, entries);
    const snapshots = await append(trx, state, options, {
      entries,
      from: findOldest({
        logStart: locked.logStart,
        version: state.version,
        subject,
        entries,
        clocks,
        oldest: erased.oldest,
      }),
    });
    await keepCounters(trx, field, { ...options, entries, clocks });
    const counts = { registers: erased.registers, conflicts, clocks: clocks.length, snapshots };
    return { from, state, changes: erased.changes, counts };
  });
}

const lastErasureSql = `
  SELECT coalesce(max(version), 0) AS version FROM field_updates
  WHERE field_id = :field AND device_id IS NULL AND update IS NOT NULL AND update->>'id' = :id`;

/** The last version at which an erasure has been appended to a field; 0 for none. */
export async function findLastErasure(db: Knex, field: FieldId, id: string): Promise<number> {
  const { rows } = await db.raw<{ rows: [{ version: number }] }>(lastErasureSql, { field, id });
  return rows[0].version;
}

function resetDynamics(state: FieldState): void {
  const { quantumFields, dynamics } = createFieldState(state.field);
  const { sweptThrough } = state.dynamics;
  Object.assign(state, { quantumFields, dynamics: { ...dynamics, sweptThrough } });
}

interface Extent {
  readonly logStart: number;
  readonly version: number;
  readonly subject: ErasureSubject;
  readonly entries: readonly ErasableEntry[];
  readonly clocks: readonly ErasableClock[];
  /** The lowest version of a register that was erased. */
  readonly oldest: number;
}

/** The first version whose state contained data of the subject, as far as the log and the snapshots go back. */
function findOldest({ logStart, version, subject, entries, clocks, oldest }: Extent): number {
  const isBeforeLog = subject.field !== undefined || clocks.some(({ hasPruned }) => hasPruned);
  if (isBeforeLog) return logStart;
  return Math.max(logStart, Math.min(entries[0]?.version ?? version + 1, oldest, version + 1));
}

/** Appends the entry and makes its state the field's. @returns how many archived snapshots were deleted */
async function append(
  trx: Knex.Transaction,
  state: FieldState,
  { id }: ErasureOptions,
  { entries, from: oldest }: { entries: readonly ErasableEntry[]; from: number },
): Promise<number> {
  const { field, hash: previousHash, version: before } = state;
  const from = await wipeErasures(trx, field, oldest);
  state.version = before + 1;
  state.time = Math.max(state.time, await readServerTime(trx));
  const { hash: _, ...stored } = encodeSnapshot(state);
  const erasure: Erasure = { id, from, versions: toRanges(entries.map(({ version }) => version)), state: stored };
  const { version, time } = state;
  const entry = { version, time, outcome: 'applied', salt: createSalt(), rules: rulesVersion } as const;
  state.hash = hashEntry(previousHash, { ...entry, erasure });
  const { salt, rules, outcome } = entry;
  await trx('field_updates').insert({
    ...{ field_id: field, version, logged_at: time, outcome, rules, salt, hash: state.hash },
    update: JSON.stringify(erasure),
  });
  const snapshot = { snapshotVersion: version, snapshotHash: state.hash, snapshotTime: time };
  await StateRow.query(trx)
    .findById(field)
    .patch({
      version,
      hash: state.hash,
      hasErasedCounters: true,
      ...snapshot,
      ...encodeSnapshotColumns(state),
      ...computeMetrics(state),
    });
  const deleted = await SnapshotRow.query(trx).delete().where('field_id', field).where('version', '>=', from);
  await archiveSnapshot(trx, state);
  return deleted;
}

/** @param versions in order */
function toRanges(versions: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const version of versions) {
    const last = ranges.at(-1);
    if (last && last[1] === version - 1) last[1] = version;
    else ranges.push([version, version]);
  }
  return ranges;
}

async function deleteConflicts(
  trx: Knex.Transaction,
  field: FieldId,
  subject: ErasureSubject,
  entries: readonly ErasableEntry[],
): Promise<number> {
  const conflicts = await findErasableConflicts(trx, field, subject, entries);
  for (const conflict of conflicts) await conflict.$query(trx).delete();
  return conflicts.length;
}

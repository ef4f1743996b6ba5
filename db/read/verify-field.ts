/**
 * The proof that a field is what its log says: replays it from the oldest kept base and compares every snapshot, the
 * outcomes, the clocks and the metrics on the way.
 */
import type { Knex } from 'knex';
import { computeMetrics } from '../../shared/field/dynamics/metrics.ts';
import type { FoldResult } from '../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { ClockRow, SnapshotRow, StateRow } from '../rows.ts';
import { decodeStateRow, type LogEntry, loadSnapshotAtOrBefore } from './load-state.ts';
import { openReplay, type ReplayOptions, replayLog } from './replay-field.ts';

export interface FieldVerification {
  readonly field: FieldId;
  readonly version: number;
  /** The version that the replay began at. */
  readonly replayedFrom: number;
  readonly snapshotsCompared: number;
  /** One sentence each; none when all is as the log says. */
  readonly differences: readonly string[];
}

export async function listFields(db: Knex): Promise<FieldId[]> {
  const rows = await StateRow.query(db).select('field_id').orderBy('field_id');
  return rows.map(({ fieldId }) => fieldId);
}

/**
 * Replays one field as it stands now, whatever is written meanwhile; with `to`, only up to that version.
 * @throws FieldError `field_not_found`, `version_ahead` or `version_not_kept`
 */
export async function verifyField(db: Knex, field: FieldId, options: ReplayOptions = {}): Promise<FieldVerification> {
  return inReadTransaction(db, (trx) => replayAndCompare(trx, field, options));
}

async function replayAndCompare(
  trx: Knex.Transaction,
  field: FieldId,
  options: ReplayOptions,
): Promise<FieldVerification> {
  const { row, until } = await openReplay(trx, field, options.to);
  const differences: string[] = [];
  const base = await loadSnapshotAtOrBefore(trx, field, row.logStart, row.logStart);
  if (!base) {
    differences.push(`the log begins after version ${row.logStart}, but no snapshot is kept there`);
    return { field, version: until, replayedFrom: row.logStart, snapshotsCompared: 0, differences };
  }
  const replayedFrom = base.version;
  const archivedRows = await SnapshotRow.query(trx).select('version').where('field_id', field);
  const archivedVersions = new Set(archivedRows.map((snapshot) => snapshot.version));
  let snapshotsCompared = 0;
  const clock = new Map<DeviceId, number>();
  const compareAtVersion = async (state: FieldState) => {
    if (archivedVersions.has(state.version)) {
      const snapshot = await SnapshotRow.query(trx).findById([field, state.version]).throwIfNotFound();
      snapshotsCompared += 1;
      const stored = decodeStateRow(field, snapshot.version, snapshot.time, snapshot);
      differences.push(...compareStates(state, stored, `the snapshot kept at version ${state.version}`));
    }
    if (row.snapshotVersion === state.version) {
      snapshotsCompared += 1;
      const stored = decodeStateRow(field, row.snapshotVersion, row.snapshotTime, row);
      differences.push(...compareStates(state, stored, `the stored state at version ${state.version}`));
    }
  };

  await compareAtVersion(base);
  try {
    for await (const { entry, folded } of replayLog(trx, base, until, options.onVersion)) {
      differences.push(...compareOutcomes(entry, folded));
      clock.set(entry.device, Math.max(clock.get(entry.device) ?? 0, entry.update.counter));
      await compareAtVersion(base);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    differences.push(error.message);
  }
  if (base.version !== until) differences.push(`the log ends at version ${base.version}, the field is at ${until}`);
  if (until === row.version) differences.push(...compareMetrics(base, row));
  differences.push(...(await compareClocks(trx, field, clock)));
  return { field, version: until, replayedFrom, snapshotsCompared, differences };
}

function compareOutcomes(entry: LogEntry, { outcome, resolution }: FoldResult): string[] {
  if (outcome === entry.outcome && resolution === entry.resolution) return [];
  return [`version ${entry.version} was logged as ${entry.outcome} and replays as ${outcome}`];
}

function compareStates(replayed: FieldState, stored: FieldState, what: string): string[] {
  const [replayedJson, storedJson] = [canonicalJson(encodeSnapshot(replayed)), canonicalJson(encodeSnapshot(stored))];
  return replayedJson === storedJson ? [] : [`${what} differs from its replay`];
}

function compareMetrics(state: FieldState, row: StateRow): string[] {
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = row;
  const stored = canonicalJson({ globalResonance, collectiveIntelligence, room64Active, lastUpdate });
  return stored === canonicalJson(computeMetrics(state)) ? [] : ['the stored metrics differ from those of the replay'];
}

async function compareClocks(
  trx: Knex.Transaction,
  field: FieldId,
  clock: ReadonlyMap<DeviceId, number>,
): Promise<string[]> {
  const rows = await ClockRow.query(trx).where('field_id', field);
  const stored = new Map(rows.map(({ deviceId, counter }) => [deviceId, counter]));
  // A device whose log is gone altogether has only its clock left.
  return [...clock]
    .filter(([device, counter]) => (stored.get(device) ?? 0) < counter)
    .map(([device]) => `the clock of ${device} is behind the log`);
}

/** JSON with sorted keys: jsonb does not keep their order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

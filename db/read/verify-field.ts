/**
 * Verifies that a field is the fold of its log, and that no entry was changed: replays it from the oldest possible state and
 * compares every snapshot, the outcomes, the hashes, the clocks and the metrics. Before an erasure only hashes are compared,
 * because entries without content cannot be folded.
 */
import type { Knex } from 'knex';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { FoldResult } from '../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { rulesVersion } from '../../shared/field/rules.ts';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { canonicalJson } from '../../shared/history/canonical-json.ts';
import { chainHash } from '../../shared/history/entry-hash.ts';
import type { ClockRow } from '../models/clock-row.ts';
import { decodeSnapshotColumns, SnapshotRow } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';
import { hashContentOf, type StoredEntry } from '../models/update-row.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { readLogAfter } from './load-state.ts';
import { loadReplayStart, openReplay, type ReplayOptions, replayLog } from './replay-field.ts';

export interface FieldVerification {
  readonly field: FieldId;
  readonly version: number;
  /** The version at which the replay began. */
  readonly replayedFrom: number;
  readonly snapshotsCompared: number;
  /** One sentence each; empty when the field is the fold of its log. */
  readonly differences: readonly string[];
}

export async function listFields(db: Knex): Promise<FieldId[]> {
  const rows = await StateRow.query(db).select('field_id').orderBy('field_id');
  return rows.map(({ fieldId }) => fieldId);
}

/**
 * Verifies one field as of now, unaffected by concurrent writes; with `to`, only up to that version.
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
  const { state, erasure } = await loadReplayStart(trx, row, until);
  if (!state) {
    const difference = `the log begins after version ${row.logStart}, but no snapshot is kept there`;
    return { field, version: until, replayedFrom: row.logStart, snapshotsCompared: 0, differences: [difference] };
  }
  const replayedFrom = state.version;
  const differences: string[] = [];
  const clock = new Map<DeviceId, number>();
  const snapshots = await openSnapshots(trx, row);
  const compare = async () => differences.push(...(await snapshots.compare(state)));

  let previousHash = row.logStartHash;
  for await (const entry of readLogAfter(trx, field, row.logStart, replayedFrom)) {
    differences.push(...compareHashes(previousHash, entry));
    previousHash = entry.hash;
  }
  if (erasure === undefined) await compare();
  try {
    for await (const { entry, folded } of replayLog(trx, state, until, options.onVersion)) {
      differences.push(...compareOutcomes(entry, folded), ...compareHashes(previousHash, entry));
      previousHash = entry.hash;
      if ('update' in entry) clock.set(entry.device, Math.max(clock.get(entry.device) ?? 0, entry.update.counter));
      await compare();
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    differences.push(error.message);
  }
  if (state.version !== until) differences.push(`the log ends at version ${state.version}, the field is at ${until}`);
  if (until === row.version) {
    if (state.hash !== row.hash)
      differences.push(`the hash of version ${until} in the log is not the one in the field's row`);
    differences.push(...compareMetrics(state, row));
  }
  differences.push(...compareClocks(await row.$relatedQuery<ClockRow>('clocks', trx), clock));
  return { field, version: until, replayedFrom, snapshotsCompared: snapshots.compared, differences };
}

/** The stored snapshots of a field: those in the archive, which are loaded one at a time, and the one in its row. */
async function openSnapshots(trx: Knex.Transaction, row: StateRow) {
  const archived = await row.$relatedQuery<SnapshotRow>('snapshots', trx).select('version');
  const archivedVersions = new Set(archived.map(({ version }) => version));
  return {
    /** How many have been compared. */
    compared: 0,
    /** Compares a replayed state with every snapshot of its version. @returns the differences */
    async compare(state: FieldState): Promise<string[]> {
      const differences: string[] = [];
      if (archivedVersions.has(state.version)) {
        const snapshot = await SnapshotRow.query(trx).findById([state.field, state.version]).throwIfNotFound();
        const stored = decodeSnapshotColumns(state.field, snapshot, snapshot);
        this.compared += 1;
        differences.push(...compareStates(state, stored, `the snapshot kept at version ${state.version}`));
      }
      if (row.snapshotVersion === state.version) {
        this.compared += 1;
        differences.push(...compareStates(state, row.decodeSnapshot(), `the stored state at version ${state.version}`));
      }
      return differences;
    },
  };
}

/** Entries that were folded by earlier rules keep the outcomes with which they were answered. */
function compareOutcomes(entry: StoredEntry, { outcome, resolution }: FoldResult): string[] {
  if (!('update' in entry) || entry.rules !== rulesVersion) return [];
  if (outcome === entry.outcome && resolution === entry.resolution) return [];
  return [`version ${entry.version} was logged as ${entry.outcome} and replays as ${outcome}`];
}

function compareHashes(previousHash: string, entry: StoredEntry): string[] {
  const isUnchanged = chainHash(previousHash, entry, hashContentOf(entry)) === entry.hash;
  return isUnchanged
    ? []
    : [`version ${entry.version} does not match its hash: it, or the entry before it, was changed`];
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

/** A device whose whole log has been pruned has only its stored clock, which is therefore not compared. */
function compareClocks(rows: readonly ClockRow[], clock: ReadonlyMap<DeviceId, number>): string[] {
  const stored = new Map(rows.map(({ deviceId, counter }) => [deviceId, counter]));
  return [...clock]
    .filter(([device, counter]) => (stored.get(device) ?? 0) < counter)
    .map(([device]) => `the clock of ${device} is behind the log`);
}

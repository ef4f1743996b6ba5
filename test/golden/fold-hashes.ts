/** Folds a log and hashes what every engine must agree on. */
import { createHash } from 'node:crypto';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import { type FoldResult, foldUpdate, purgeTombstones } from '../../shared/field/fold.ts';
import { globalField } from '../../shared/field/ids.ts';
import { emptyChangeSet } from '../../shared/field/merge-update.ts';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import { canonicalText, type LogEntry } from '../unit/field/support/field-log.ts';

/** SHA-256 in hex. */
export interface FoldHashes {
  /** Of the state at a version. */
  readonly state: string;
  /** Of the outcome, the conflicts, and the numbers of the dynamics after each update up to that version. */
  readonly history: string;
}

/**
 * The state alone would not do: bounds, such as those of strength, wipe out a difference in the last digits.
 * @param every the number of versions between two that are hashed; the last one always is
 */
export function hashFold(log: readonly LogEntry[], every: number): Record<string, FoldHashes> {
  const state = createFieldState(globalField);
  const history = createHash('sha256');
  const hashes: Record<string, FoldHashes> = {};
  for (const { device, update, time, sweepThrough } of log) {
    const result = foldUpdate(state, device, update, time, emptyChangeSet());
    if (sweepThrough !== undefined) purgeTombstones(state, sweepThrough);
    history.update(describeStep(state, result));
    const { version } = state;
    if (version % every === 0 || version === log.length) {
      hashes[version] = { state: hashState(state), history: history.copy().digest('hex') };
    }
  }
  return hashes;
}

/** Lists the numbers by name, which is quicker than to sort the keys of all that contains them. */
function describeStep(state: FieldState, { outcome, resolution, conflicts }: FoldResult): string {
  const { resonanceBoost, intelligenceBoost, entanglementBoost, maxTimestamp } = state.dynamics;
  const { globalResonance, collectiveIntelligence, room64Active } = computeMetrics(state);
  const gauges = state.quantumFields.map(({ strength, coherence, entanglement, portalStability, harmonics }) => {
    return [strength, coherence, entanglement, portalStability, harmonics];
  });
  const boosts = [resonanceBoost, intelligenceBoost, entanglementBoost, maxTimestamp];
  const metrics = [globalResonance, collectiveIntelligence, room64Active];
  return JSON.stringify([outcome, resolution, gauges, boosts, metrics, conflicts.map(canonicalText)]);
}

/** What is named here is what the rules determine; other parts of a snapshot are not theirs. */
function hashState(state: FieldState): string {
  const { version, time, particles, cells, quantumFields, dynamics } = encodeSnapshot(state);
  const text = canonicalText({ version, time, particles, cells, quantumFields, dynamics });
  return createHash('sha256').update(text).digest('hex');
}

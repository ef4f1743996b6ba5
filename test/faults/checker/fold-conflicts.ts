/**
 * Finds the conflicts of a log independently: implements the documented merge rules without any code of shared/field.
 */
import { isDeepStrictEqual } from 'node:util';
import { writesOf } from '../../unit/field/support/reference-merge.ts';
import type { LogRow } from './read-log.ts';

export interface FoundConflict {
  readonly version: number;
  readonly cell: string;
  readonly resolution: 'kept_local' | 'used_remote' | 'merged';
}

export interface FoldedLog {
  readonly conflicts: readonly FoundConflict[];
  /** Versions whose logged outcome is not what this fold finds. */
  readonly wrongOutcomes: readonly string[];
}

interface Written {
  readonly value: unknown;
  readonly timestamp: number;
  readonly device: string;
  readonly counter: number;
  readonly version: number;
}
type CausalOrder = 'after' | 'old' | 'concurrent';
type WriteResult = 'written' | 'old' | 'agreed' | 'won' | 'lost';
interface MergeResult {
  readonly name: string;
  readonly value: unknown;
  readonly result: WriteResult;
  /** The device of the concurrent write, if there was one. */
  readonly otherDevice?: string;
}

const attributes = ['position', 'velocity', 'resonance', 'content', 'connections'];

export function foldConflicts(log: readonly LogRow[]): FoldedLog {
  const registers = new Map<string, Written>();
  const conflicts: FoundConflict[] = [];
  const wrongOutcomes: string[] = [];
  for (const row of log) {
    const merged = writesOf(row.update).map(([name, value]) => mergeInto(registers, name, value, row));
    const found = conflictsOf(registers, merged, row);
    conflicts.push(...found);
    const [outcome, resolution] = outcomeOf(merged, found);
    if (outcome !== row.outcome || resolution !== row.resolution) {
      wrongOutcomes.push(`version ${row.version} is ${row.outcome} ${row.resolution}, not ${outcome} ${resolution}`);
    }
    if (row.sweptThrough !== null) purgeTombstones(registers, row.sweptThrough);
  }
  return { conflicts, wrongOutcomes };
}

/** After a purge nothing is known of particles that were removed up to a version and not put again. */
function purgeTombstones(registers: Map<string, Written>, through: number): void {
  const existence = 'particle exists ';
  for (const [name, { value, version }] of [...registers]) {
    if (!name.startsWith(existence) || value !== false || version > through) continue;
    const id = name.slice(existence.length);
    for (const attribute of ['exists', ...attributes]) registers.delete(`particle ${attribute} ${id}`);
  }
}

function compareCausally({ device, counter, update }: LogRow, earlier: Written): CausalOrder {
  if (device === earlier.device) return counter > earlier.counter ? 'after' : 'old';
  const known = update.clock?.[earlier.device] ?? 0;
  return update.seen >= earlier.version || known >= earlier.counter ? 'after' : 'concurrent';
}

function mergeInto(registers: Map<string, Written>, name: string, value: unknown, row: LogRow): MergeResult {
  const { version, device, counter, update } = row;
  const earlier = registers.get(name);
  const order = earlier ? compareCausally(row, earlier) : 'after';
  if (order === 'old') return { name, value, result: 'old' };
  if (!earlier || order === 'after') {
    const timestamp = Math.max(update.timestamp, earlier ? earlier.timestamp + 1 : 0);
    registers.set(name, { value, timestamp, device, counter, version });
    return { name, value, result: 'written' };
  }
  const written = { value, timestamp: update.timestamp, device, counter, version };
  const wins = isLarger(written, earlier);
  if (wins) registers.set(name, written);
  if (isDeepStrictEqual(value, earlier.value)) return { name, value, result: 'agreed' };
  return { name, value, result: wins ? 'won' : 'lost', otherDevice: earlier.device };
}

function isLarger(a: Written, b: Written): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  return a.device !== b.device ? a.device > b.device : a.counter > b.counter;
}

function conflictsOf(
  registers: ReadonlyMap<string, Written>,
  merged: readonly MergeResult[],
  row: LogRow,
): FoundConflict[] {
  const contended = merged.filter(({ result }) => result === 'won' || result === 'lost');
  if (contended.length === 0) return [];
  const { version, update } = row;
  if (update.kind !== 'particle.put' && update.kind !== 'particle.remove') {
    return contended.map(({ name, result }) => ({
      version,
      cell: name.slice('cell '.length),
      resolution: result === 'won' ? 'used_remote' : 'kept_local',
    }));
  }
  return [
    { version, cell: `particle/${update.id}`, resolution: resolveParticle(registers, update.id, contended, row) },
  ];
}

/** `merged` if both the update and a concurrent write still have attributes in the resulting particle. */
function resolveParticle(
  registers: ReadonlyMap<string, Written>,
  id: string,
  contended: readonly MergeResult[],
  row: LogRow,
): FoundConflict['resolution'] {
  const existence = contended.find(({ name }) => name === `particle exists ${id}`);
  if (existence?.value === false && existence.result === 'won') return 'used_remote';
  if (existence?.value === true && existence.result === 'lost') return 'kept_local';
  const kept = attributes
    .map((attribute) => registers.get(`particle ${attribute} ${id}`))
    .filter((written) => written !== undefined && written.value !== null);
  const keepsRemote = kept.some((written) => written?.version === row.version);
  const otherDevices = new Set(contended.map(({ otherDevice }) => otherDevice));
  const keepsLocal = kept.some(
    (written) => written && otherDevices.has(written.device) && compareCausally(row, written) === 'concurrent',
  );
  if (keepsRemote && keepsLocal) return 'merged';
  if (contended.every(({ result }) => result === 'lost')) return 'kept_local';
  return contended.every(({ result }) => result === 'won') ? 'used_remote' : 'merged';
}

function outcomeOf(merged: readonly MergeResult[], found: readonly FoundConflict[]): [string, string | null] {
  const resolutions = new Set(found.map(({ resolution }) => resolution));
  const [first] = resolutions;
  if (first) return ['conflict', resolutions.size === 1 ? first : 'merged'];
  return [merged.length > 0 && merged.every(({ result }) => result === 'old') ? 'superseded' : 'applied', null];
}

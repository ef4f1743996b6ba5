/** The changes of deltas inside a region, as the entries of JSON objects, and the delta messages made of them. */
import type { DeltaUpdate } from '../../../shared/contract/messages.ts';
import type { Cursor } from '../../../shared/field/cursor.ts';
import { containsPoint, locateCell, type Point, type Region } from '../../../shared/field/math/region.ts';
import type { Conflict } from '../../../shared/field/registers/conflict-record.ts';
import type { ParsedDelta, WholeFieldValues } from './parsed-delta.ts';

export interface RegionalChanges {
  /** Entries of JSON objects. */
  readonly particles: readonly string[];
  readonly cells: readonly string[];
  readonly conflicts: readonly Conflict[];
}

interface RegionalDelta {
  readonly from: Cursor;
  readonly to: Cursor;
  readonly changes: RegionalChanges | undefined;
  readonly totals: WholeFieldValues;
  /** Whether what belongs to the whole field is included, apart from `maxTimestamp`. */
  readonly hasMetrics: boolean;
  /** Those of the watcher's own device. */
  readonly updates?: readonly DeltaUpdate[];
  readonly ownConflicts?: readonly Conflict[];
}

export function renderDelta(delta: RegionalDelta): string {
  const { from, to, changes, totals, hasMetrics, updates = [], ownConflicts = [] } = delta;
  const { maxTimestamp, metrics, quantumFields } = totals;
  const gauges = hasMetrics ? `,"quantumFields":${quantumFields},"metrics":${metrics}` : '';
  const conflicts = [...new Set([...(changes?.conflicts ?? []), ...ownConflicts])];
  return (
    `{"type":"delta","from":"${from}","to":"${to}","maxTimestamp":${maxTimestamp},"changes":` +
    `{"particles":{${changes?.particles.join(',') ?? ''}},"cells":{${changes?.cells.join(',') ?? ''}}${gauges}},` +
    `"updates":${JSON.stringify(updates)}${conflicts.length > 0 ? `,"conflicts":${JSON.stringify(conflicts)}` : ''}}`
  );
}

/**
 * Merges several deltas into changes of a region, for a subscriber with the state before them: particles that are not inside
 * afterwards are `null`, whether they were inside before or not.
 */
export function mergeChanges(deltas: readonly ParsedDelta[], region: Region): RegionalChanges {
  const particles = new Map<string, string>();
  const cells = new Map<string, string>();
  const conflicts: Conflict[] = [];
  for (const { changes, conflicts: met = [] } of deltas) {
    for (const [id, particle] of Object.entries(changes.particles)) {
      const isInside = particle !== null && containsPoint(region, particle.position);
      particles.set(id, toEntry(id, isInside ? particle : null));
    }
    for (const [cell, value] of Object.entries(changes.cells)) {
      if (containsPoint(region, locateCell(cell))) cells.set(cell, toEntry(cell, value));
    }
    const locate = (id: string) => changes.particles[id]?.position;
    conflicts.push(...met.filter((conflict) => isInside(region, locateConflict(conflict, locate))));
  }
  return { particles: [...particles.values()], cells: [...cells.values()], conflicts };
}

function isInside(region: Region, point: Point | undefined): boolean {
  return point !== undefined && containsPoint(region, point);
}

const particlePrefix = 'particle/';

/** @param locate the position of a particle, if it has one */
export function locateConflict({ cell }: Conflict, locate: (id: string) => Point | undefined): Point | undefined {
  return cell.startsWith(particlePrefix) ? locate(cell.slice(particlePrefix.length)) : locateCell(cell);
}

export function toEntry(key: string, value: object | number | null): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

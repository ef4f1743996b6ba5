/** Assembles fragments into the JSON that clients receive: a whole state or a delta. */
import type { DeltaUpdate, StateSummary } from '../contract/messages.ts';
import type { Cursor } from '../field/cursor.ts';
import type { Conflict } from '../field/registers/conflict-record.ts';
import type { CellFragment, ParticleFragment, StateFragments } from './state-fragments.ts';

/** A whole state as JSON in UTF-8. */
export function serializeState({ field, version, cursor, header, particles, cells }: StateFragments): Buffer {
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = header.metrics;
  return Buffer.from(
    `{"field":"${field}","version":${version},"cursor":"${cursor}","maxTimestamp":${header.maxTimestamp},"globalResonance":${globalResonance},` +
      `"collectiveIntelligence":${collectiveIntelligence},"room64Active":${room64Active},` +
      `"memoryParticles":[${renderParticles(particles)}],"quantumFields":${JSON.stringify(header.quantumFields)},` +
      `"cells":{${renderCells(cells)}},"lastUpdate":${lastUpdate}}`,
  );
}

/** Creates the summary of a state, which has no particles and cells. */
export function summarizeState({ field, version, cursor, header }: StateFragments): StateSummary {
  const { metrics, maxTimestamp, quantumFields } = header;
  return { field, version, cursor, maxTimestamp, ...metrics, quantumFields: [...quantumFields] };
}

function renderParticles(particles: readonly ParticleFragment[]): string {
  return particles
    .filter(({ json }) => json !== undefined)
    .sort((a, b) => a.order - b.order)
    .map(({ json }) => json)
    .join(',');
}

/** Sorts by x, then y: the same state gives the same bytes whether it was read from the cache or from PostgreSQL. */
function renderCells(cells: readonly CellFragment[]): string {
  return cells
    .filter(({ json }) => json !== undefined)
    .map(({ cell, json }) => {
      const [x = 0, y = 0] = cell.split(',').map(Number);
      return { x, y, text: `"${cell}":${json}` };
    })
    .sort((a, b) => a.x - b.x || a.y - b.y)
    .map(({ text }) => text)
    .join(',');
}

/** A delta carries only the newest conflicts, which bounds its size; the conflicts route has the others. */
const maxConflicts = 20;

/**
 * Assembles the `delta` message of the stream.
 * @param from the state that the delta applies to; it leads to `fragments.cursor`
 * @param fragments the changed parts, with their values in that state
 * @param conflicts the conflicts of these updates, oldest first, if they are known
 */
export function serializeDelta(
  from: Cursor,
  fragments: StateFragments,
  updates: readonly DeltaUpdate[],
  conflicts: readonly Conflict[] = [],
): string {
  const particles = fragments.particles.map(({ id, json }) => `${JSON.stringify(id)}:${json ?? 'null'}`).join(',');
  const cells = fragments.cells.map(({ cell, json }) => `"${cell}":${json ?? 'null'}`).join(',');
  return (
    `{"type":"delta","from":"${from}","to":"${fragments.cursor}","maxTimestamp":${fragments.header.maxTimestamp},"changes":{"particles":{${particles}},` +
    `"cells":{${cells}},${renderHeader(fragments)}},"updates":${JSON.stringify(updates)}${renderConflicts(conflicts)}}`
  );
}

function renderConflicts(conflicts: readonly Conflict[]): string {
  return conflicts.length === 0 ? '' : `,"conflicts":${JSON.stringify(conflicts.slice(-maxConflicts))}`;
}

function renderHeader({ header, quantumFieldsChanged }: StateFragments): string {
  const quantumFields = quantumFieldsChanged ? `"quantumFields":${JSON.stringify(header.quantumFields)},` : '';
  return `${quantumFields}"metrics":${JSON.stringify(header.metrics)}`;
}

/** Puts pieces together into the texts that leave the process: the whole state, its summary, a delta. */
import type { DeltaUpdate } from '../contract/stream.ts';
import type { Conflict } from '../field/registers/conflict-record.ts';
import type { CellFragment, ParticleFragment, StateFragments } from './state-fragments.ts';

/**
 * A state as text, but for the number of active nodes, which is presence and not part of the log:
 * `before + activeNodes + after`.
 */
export interface SerializedState {
  readonly version: number;
  readonly state: BodyTemplate;
  readonly summary: BodyTemplate;
}
export interface BodyTemplate {
  readonly prefix: Buffer;
  readonly suffix: Buffer;
}

export function serializeState({ field, version, header, particles, cells }: StateFragments): SerializedState {
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = header.metrics;
  const prefix = Buffer.from(
    `{"field":"${field}","version":${version},"globalResonance":${globalResonance},` +
      `"collectiveIntelligence":${collectiveIntelligence},"activeNodes":`,
  );
  const quantumFields = JSON.stringify(header.quantumFields);
  const room = `,"room64Active":${room64Active}`;
  const end = `,"lastUpdate":${lastUpdate}}`;
  return {
    version,
    state: {
      prefix,
      suffix: Buffer.from(
        `${room},"memoryParticles":[${renderParticles(particles)}],"quantumFields":${quantumFields},` +
          `"cells":{${renderCells(cells)}}${end}`,
      ),
    },
    summary: { prefix, suffix: Buffer.from(`${room},"quantumFields":${quantumFields}${end}`) },
  };
}

export function renderBody({ prefix, suffix }: BodyTemplate, activeNodes: number): Buffer {
  return Buffer.concat([prefix, Buffer.from(String(activeNodes)), suffix]);
}

function renderParticles(particles: readonly ParticleFragment[]): string {
  return particles
    .filter(({ json }) => json !== undefined)
    .sort((a, b) => a.order - b.order)
    .map(({ json }) => json)
    .join(',');
}

/** Cells in order of x, then y, wherever they come from. */
function renderCells(cells: readonly CellFragment[]): string {
  return cells
    .map(({ cell, json }) => {
      const [x = 0, y = 0] = cell.split(',').map(Number);
      return { x, y, text: `"${cell}":${json}` };
    })
    .sort((a, b) => a.x - b.x || a.y - b.y)
    .map(({ text }) => text)
    .join(',');
}

/** The newest are told; more than a reader could look at would only make a long message longer. */
const maxConflicts = 20;

/**
 * The `delta` message of the stream; `pieces` holds what was touched, as it is at `pieces.version`.
 * @param conflicts those that its updates met, as far as they are at hand
 */
export function serializeDelta(
  from: number,
  fragments: StateFragments,
  updates: readonly DeltaUpdate[],
  conflicts: readonly Conflict[] = [],
): string {
  const particles = fragments.particles.map(({ id, json }) => `${JSON.stringify(id)}:${json ?? 'null'}`).join(',');
  const cells = fragments.cells.map(({ cell, json }) => `"${cell}":${json}`).join(',');
  return (
    `{"type":"delta","from":${from},"to":${fragments.version},"changes":{"particles":{${particles}},` +
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

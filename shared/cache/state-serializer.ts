/** Puts pieces together into the texts that leave the process: the whole state, its summary, a delta. */
import type { DeltaUpdate } from '../contract/stream.ts';
import type { Conflict } from '../field/registers/conflict-record.ts';
import type { CellPiece, ParticlePiece, StatePieces } from './state-fragments.ts';

/**
 * A state as text, but for the number of active nodes, which is presence and not part of the log:
 * `before + activeNodes + after`.
 */
export interface StateText {
  readonly version: number;
  readonly state: Split;
  readonly summary: Split;
}
export interface Split {
  readonly before: Buffer;
  readonly after: Buffer;
}

export function renderState({ field, version, head, particles, cells }: StatePieces): StateText {
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = head.metrics;
  const before = Buffer.from(
    `{"field":"${field}","version":${version},"globalResonance":${globalResonance},` +
      `"collectiveIntelligence":${collectiveIntelligence},"activeNodes":`,
  );
  const quantumFields = JSON.stringify(head.quantumFields);
  const room = `,"room64Active":${room64Active}`;
  const end = `,"lastUpdate":${lastUpdate}}`;
  return {
    version,
    state: {
      before,
      after: Buffer.from(
        `${room},"memoryParticles":[${renderParticles(particles)}],"quantumFields":${quantumFields},` +
          `"cells":{${renderCells(cells)}}${end}`,
      ),
    },
    summary: { before, after: Buffer.from(`${room},"quantumFields":${quantumFields}${end}`) },
  };
}

export function joinText({ before, after }: Split, activeNodes: number): Buffer {
  return Buffer.concat([before, Buffer.from(String(activeNodes)), after]);
}

function renderParticles(particles: readonly ParticlePiece[]): string {
  return particles
    .filter(({ json }) => json !== undefined)
    .sort((a, b) => a.order - b.order)
    .map(({ json }) => json)
    .join(',');
}

/** Cells in order of x, then y, wherever they come from. */
function renderCells(cells: readonly CellPiece[]): string {
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
export function renderDelta(
  from: number,
  pieces: StatePieces,
  updates: readonly DeltaUpdate[],
  conflicts: readonly Conflict[] = [],
): string {
  const particles = pieces.particles.map(({ id, json }) => `${JSON.stringify(id)}:${json ?? 'null'}`).join(',');
  const cells = pieces.cells.map(({ cell, json }) => `"${cell}":${json}`).join(',');
  return (
    `{"type":"delta","from":${from},"to":${pieces.version},"changes":{"particles":{${particles}},` +
    `"cells":{${cells}},${renderHead(pieces)}},"updates":${JSON.stringify(updates)}${renderConflicts(conflicts)}}`
  );
}

function renderConflicts(conflicts: readonly Conflict[]): string {
  return conflicts.length === 0 ? '' : `,"conflicts":${JSON.stringify(conflicts.slice(-maxConflicts))}`;
}

function renderHead({ head, fieldsMoved }: StatePieces): string {
  const quantumFields = fieldsMoved ? `"quantumFields":${JSON.stringify(head.quantumFields)},` : '';
  return `${quantumFields}"metrics":${JSON.stringify(head.metrics)}`;
}

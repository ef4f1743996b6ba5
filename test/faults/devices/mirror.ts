/** A subscriber's copy of a field: a snapshot and every consecutive delta. */
import type { ServerMessage, State } from '../../../shared/contract/messages.ts';
import { type Cursor, versionOf } from '../../../shared/field/cursor.ts';

type Message<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;
type Delta = Message<'delta'>;

/** The part of a state that is equal for all readers of a cursor; presence is not included. */
export interface View {
  readonly cursor: Cursor | undefined;
  readonly maxTimestamp: number;
  readonly particles: Readonly<Record<string, unknown>>;
  readonly cells: Readonly<Record<string, number>>;
  readonly quantumFields: unknown;
  readonly metrics: unknown;
}

/** The quantum fields of an empty field are not sent before the first change. */
const emptyQuantumFields: unknown = undefined;

export class Mirror {
  cursor: Cursor | undefined;
  #particles = new Map<string, unknown>();
  #cells = new Map<string, number>();
  #quantumFields: unknown = emptyQuantumFields;
  #metrics: unknown;
  #maxTimestamp = 0;

  get version(): number {
    return this.cursor === undefined ? 0 : versionOf(this.cursor);
  }

  applySnapshot({ cursor, state }: Message<'snapshot'>): void {
    const view = viewOf(state);
    this.cursor = cursor;
    this.#particles = new Map(Object.entries(view.particles));
    this.#cells = new Map(Object.entries(view.cells));
    this.#quantumFields = view.quantumFields;
    this.#metrics = view.metrics;
    this.#maxTimestamp = view.maxTimestamp;
  }

  /** Returns false, without applying the delta, if it does not start at the current cursor. */
  applyDelta({ from, to, maxTimestamp, changes }: Delta): boolean {
    if (from !== this.cursor) return false;
    for (const [id, particle] of Object.entries(changes.particles)) {
      if (particle === null) this.#particles.delete(id);
      else this.#particles.set(id, particle);
    }
    for (const [cell, value] of Object.entries(changes.cells)) {
      if (value === null) this.#cells.delete(cell);
      else this.#cells.set(cell, value);
    }
    if (changes.quantumFields) this.#quantumFields = changes.quantumFields;
    this.#metrics = changes.metrics ?? this.#metrics;
    this.#maxTimestamp = Math.max(maxTimestamp, this.#maxTimestamp);
    this.cursor = to;
    return true;
  }

  view(): View {
    return {
      cursor: this.cursor,
      maxTimestamp: this.#maxTimestamp,
      particles: Object.fromEntries(this.#particles),
      cells: Object.fromEntries(this.#cells),
      quantumFields: this.#quantumFields,
      metrics: this.#metrics,
    };
  }
}

export function viewOf(state: State): View {
  const { cursor, maxTimestamp, memoryParticles, cells, quantumFields, field: _, ...rest } = state;
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = rest;
  return {
    cursor,
    maxTimestamp,
    particles: Object.fromEntries(memoryParticles.map((particle) => [particle.id, particle])),
    cells,
    quantumFields,
    metrics: { globalResonance, collectiveIntelligence, room64Active, lastUpdate },
  };
}

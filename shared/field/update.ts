/** Types of updates. An update is one change by one device; `shared/contract` has validated it before it is folded. */

export interface Vector {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

interface UpdateOrigin {
  /** The sequence number of the update among those of its device, from 1. */
  readonly counter: number;
  /** Hybrid logical time in ms: at least the device's clock, and above every timestamp that it had read. Breaks ties only. */
  readonly timestamp: number;
  /** The highest version of the field that the device had applied. */
  readonly seen: number;
  /** A vector clock: for each other device, the highest counter whose update this device had applied. */
  readonly clock?: Readonly<Record<string, number>>;
}

/** The attributes that a put may write. */
export interface ParticleAttributes {
  readonly position?: Vector;
  readonly velocity?: Vector;
  readonly resonance?: number;
  readonly content?: string;
  readonly connections?: readonly string[];
}

export type ParticlePut = UpdateOrigin & ParticleAttributes & { readonly kind: 'particle.put'; readonly id: string };
export type ParticleRemove = UpdateOrigin & { readonly kind: 'particle.remove'; readonly id: string };

export interface CellValue {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}
export type CellsSet = UpdateOrigin & { readonly kind: 'cells.set'; readonly cells: readonly CellValue[] };

export const eventTypes = [
  'resonance',
  'crystallization',
  'entanglement',
  'portal',
  'memory',
  'harmony',
  'void',
  'awakening',
  'bloom',
] as const;
export type EventType = (typeof eventTypes)[number];
export type FieldEvent = UpdateOrigin & {
  readonly kind: 'event';
  readonly type: EventType;
  readonly intensity?: number;
};

export type Update = ParticlePut | ParticleRemove | CellsSet | FieldEvent;

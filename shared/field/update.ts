/** Types of updates. An update is one change by one device; `shared/contract` has validated it before it is folded. */

import type { Cursor } from './cursor.ts';

export interface Vector {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

interface UpdateOrigin<Seen> {
  /** The sequence number of the update among those of its device, from 1. */
  readonly counter: number;
  /** Hybrid logical time in ms: at least the device's clock, and above every timestamp that it had seen. Breaks ties only. */
  readonly timestamp: number;
  /**
   * The state that the device had when it made the update. Devices send a cursor or, in simple clients, a version; the worker
   * resolves it to a version of this history before it folds the update.
   */
  readonly seen: Seen;
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

export type ParticlePut<Seen = number> = UpdateOrigin<Seen> &
  ParticleAttributes & { readonly kind: 'particle.put'; readonly id: string };
export type ParticleRemove<Seen = number> = UpdateOrigin<Seen> & {
  readonly kind: 'particle.remove';
  readonly id: string;
};

export interface CellValue {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}
export type CellsSet<Seen = number> = UpdateOrigin<Seen> & {
  readonly kind: 'cells.set';
  readonly cells: readonly CellValue[];
};

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
export type FieldEvent<Seen = number> = UpdateOrigin<Seen> & {
  readonly kind: 'event';
  readonly type: EventType;
  readonly intensity?: number;
};

/** An update with a resolved `seen`, as the log stores it and the fold uses it. */
export type Update<Seen = number> = ParticlePut<Seen> | ParticleRemove<Seen> | CellsSet<Seen> | FieldEvent<Seen>;
/** An update as devices send it. */
export type SentUpdate = Update<number | Cursor>;

export const updateKinds = [
  'cells.set',
  'particle.put',
  'particle.remove',
  'event',
] as const satisfies Update['kind'][];

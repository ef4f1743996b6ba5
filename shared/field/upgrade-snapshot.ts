/** Reads the dynamics of snapshots that were stored under earlier versions of the rules. */

import { findParticleStamp } from './registers/particle.ts';
import type { Dynamics, FieldState } from './state.ts';

/** The properties that version 2 of the rules added. */
type Added = 'entanglementBoost' | 'maxTimestamp';

/** The dynamics of a snapshot of any version. */
export type StoredDynamics = Omit<Dynamics, Added> & Partial<Pick<Dynamics, Added>>;

/**
 * Completes the dynamics of a snapshot of version 1: no boost of entanglement, and the highest timestamp of the registers that it
 * still has. Until the next update of a particle, the entanglement of its quantum fields stays 0, and its particles may exceed the
 * limit in bytes.
 * @param state has the registers of the snapshot
 */
export function upgradeDynamics(stored: StoredDynamics, state: FieldState): Dynamics {
  const { entanglementBoost = 0, maxTimestamp = findHighestTimestamp(state) } = stored;
  return { ...stored, entanglementBoost, maxTimestamp };
}

function findHighestTimestamp({ particles, tombstones, cells }: FieldState): number {
  let highest = 0;
  for (const { stamp } of cells.values()) highest = Math.max(highest, stamp.timestamp);
  for (const kept of [particles, tombstones]) {
    for (const particle of kept.values()) highest = Math.max(highest, findParticleStamp(particle).timestamp);
  }
  return highest;
}

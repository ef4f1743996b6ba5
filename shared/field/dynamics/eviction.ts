/** The limits on the particles of a field, and their eviction when an update exceeds one. */

import { getDerivedParticle, getParticleBytes, type Particle } from '../registers/particle.ts';
import { compareStamps } from '../registers/stamp.ts';
import { type FieldState, getParticleColumns, getParticleIndex } from '../state.ts';

export const maxParticles = 1000;
/** For each particle, 128 and the UTF-8 bytes of its id, content and connections are counted. */
export const maxParticleBytes = 4 * 1024 * 1024;
export const particlesAfterEviction = 800;
/** 80 % of the limit. */
export const particleBytesAfterEviction = Math.floor(maxParticleBytes * 0.8);

/**
 * Evicts the particles with the oldest stamps if a limit is exceeded, down to a margin below it, so that not every later update
 * evicts again. Evicted particles leave no tombstone.
 * @returns the ids of the evicted particles
 */
export function evictParticles(state: FieldState): readonly string[] {
  const index = getParticleIndex(state);
  if (state.particles.size <= maxParticles && index.bytes <= maxParticleBytes) return [];
  const byNewest = [...state.particles.values()].sort(compareNewest);
  const evicted = byNewest.slice(countKept(byNewest)).map(({ id }) => id);
  const columns = getParticleColumns(state);
  for (const id of evicted) {
    state.particles.delete(id);
    index.delete(id);
    columns.delete(id);
  }
  state.dynamics = { ...state.dynamics, evictedAt: state.version };
  return evicted;
}

/** The length of the longest prefix within both margins. */
function countKept(byNewest: readonly Particle[]): number {
  let bytes = 0;
  let count = 0;
  for (const particle of byNewest) {
    bytes += getParticleBytes(particle);
    if (count === particlesAfterEviction || bytes > particleBytesAfterEviction) break;
    count += 1;
  }
  return count;
}

/** A total order, so that the result does not depend on the engine's sort. */
function compareNewest(a: Particle, b: Particle): number {
  const order = compareStamps(getDerivedParticle(b).newest, getDerivedParticle(a).newest);
  if (order !== 0 || a.id === b.id) return order;
  return a.id < b.id ? -1 : 1;
}

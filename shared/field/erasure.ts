/**
 * Erasure: removes a person's writes from a state, selected by their stamps. An erased register becomes empty. A particle or a
 * tombstone with no other writes is deleted with its id, which is content too. A particle that others have also written keeps its
 * place, and its erased registers get a stamp that names the erasure.
 */

import type { DeviceId } from './ids.ts';
import { type ChangeSet, emptyChangeSet, updateQuantumFields } from './merge-update.ts';
import { type AttributeName, attributeNames, type Particle } from './registers/particle.ts';
import type { Register } from './registers/register.ts';
import type { Stamp } from './registers/stamp.ts';
import { decodeSnapshot, type FieldSnapshot } from './snapshot.ts';
import type { FieldState } from './state.ts';

/** An erasure as the log stores it: versions, never a person, and the whole remaining state. */
export interface Erasure {
  /** The same for all fields that were erased together. */
  readonly id: string;
  /** The states from this version up to the erasure contained erased data. */
  readonly from: number;
  /** The entries whose content is erased, as ranges of versions with both ends. */
  readonly versions: readonly (readonly [number, number])[];
  readonly state: Omit<FieldSnapshot, 'hash'>;
}

export interface ErasedRegisters {
  readonly changes: ChangeSet;
  readonly registers: number;
  /** The lowest version of a write that was erased. */
  readonly oldest: number;
}

/** The device in the stamps of erased registers. No device has this id, since the ids of erasures are random. */
export function pseudonymousDevice(erasure: string): DeviceId {
  return `erased:${erasure}` as DeviceId;
}

/**
 * Empties the registers whose last writes are to be erased, and steps the quantum fields as an update of a particle does, since
 * their harmonics are computed from positions.
 */
export function eraseRegisters(
  state: FieldState,
  isErased: (stamp: Stamp) => boolean,
  pseudonym: DeviceId,
): ErasedRegisters {
  const changes = emptyChangeSet();
  let registers = 0;
  let oldest = Number.POSITIVE_INFINITY;
  const matches = (stamp: Stamp): boolean => {
    if (!isErased(stamp)) return false;
    registers += 1;
    oldest = Math.min(oldest, stamp.version);
    return true;
  };
  for (const [cell, { stamp }] of state.cells) {
    if (!matches(stamp)) continue;
    state.cells.delete(cell);
    changes.cells.add(cell);
  }
  for (const particles of [state.particles, state.tombstones]) {
    for (const [id, particle] of particles) {
      const erased = eraseParticle(particle, matches, pseudonym);
      if (erased === 'nothing') continue;
      if (particles === state.particles) changes.particles.add(id);
      if (erased === 'everything') particles.delete(id);
    }
  }
  state.particleIndex = undefined;
  state.particleColumns = undefined;
  state.tombstoneIndex = undefined;
  updateQuantumFields(state, changes);
  return { changes, registers, oldest };
}

function eraseParticle(
  particle: Particle,
  matches: (stamp: Stamp) => boolean,
  pseudonym: DeviceId,
): 'nothing' | 'some' | 'everything' {
  const { exists } = particle;
  const attributes = particle.attributes as { [Name in AttributeName]?: Register<unknown> };
  const isExistenceErased = exists !== undefined && matches(exists.stamp);
  const erased = attributeNames.filter((name) => attributes[name] && matches(attributes[name].stamp));
  if (!isExistenceErased && erased.length === 0) return 'nothing';
  const isLeft = attributeNames.some((name) => attributes[name] && !erased.includes(name));
  if (isExistenceErased && !isLeft) return 'everything';
  if (exists && isExistenceErased) particle.exists = { value: exists.value, stamp: rename(exists.stamp, pseudonym) };
  for (const name of erased) {
    const stamp = attributes[name]?.stamp;
    if (stamp) attributes[name] = { value: null, stamp: rename(stamp, pseudonym) };
  }
  particle.derived = undefined;
  particle.bytes = undefined;
  return 'some';
}

/** The version replaces the counter, which belongs to the erased device. */
function rename({ timestamp, version }: Stamp, device: DeviceId): Stamp {
  return { timestamp, device, counter: version, version };
}

/** Replaces a state by the one that remained after an erasure. */
export function restoreErasedState(state: FieldState, { state: stored }: Erasure, hash: string): void {
  const { particles, tombstones, cells, ...rest } = decodeSnapshot(state.field, { ...stored, hash });
  replaceEntries(state.particles, particles);
  replaceEntries(state.tombstones, tombstones);
  replaceEntries(state.cells, cells);
  Object.assign(state, rest);
}

function replaceEntries<Key, Value>(target: Map<Key, Value>, source: ReadonlyMap<Key, Value>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}

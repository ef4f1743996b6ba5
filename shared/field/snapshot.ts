/**
 * Encodes a state as plain JSON and decodes it without loss: the format of stored snapshots, by which states are compared. The
 * order of keys has no meaning, since jsonb does not preserve it: anything ordered is an array.
 */

import type { QuantumField } from './dynamics/quantum-field.ts';
import type { DeviceId, FieldId } from './ids.ts';
import { type AttributeName, attributeNames, createParticle, type Particle } from './registers/particle.ts';
import type { Register } from './registers/register.ts';
import type { Stamp } from './registers/stamp.ts';
import { createFieldState, type Dynamics, type FieldState } from './state.ts';
import type { ParticleAttributes } from './update.ts';
import { type StoredDynamics, upgradeDynamics } from './upgrade-snapshot.ts';

/** `[timestamp, device, counter, version]` */
type StampRecord = readonly [number, string, number, number];

/** A particle with its registers. An attribute that is listed in `writes` but absent was emptied by a remove. */
export interface ParticleRecord extends ParticleAttributes {
  readonly id: string;
  readonly exists: boolean;
  readonly created: number;
  /** The last write of each register; registers with the same last write share an entry. */
  readonly writes: readonly {
    readonly stamp: StampRecord;
    readonly registers: readonly (AttributeName | 'exists')[];
  }[];
}

/** `[x, y, value, timestamp, device, counter, version]` */
export type CellRecord = readonly [number, number, number, ...StampRecord];

export interface FieldSnapshot {
  readonly version: number;
  readonly hash: string;
  readonly time: number;
  /** The existing particles in order of creation, then the tombstones in order of removal. */
  readonly particles: readonly ParticleRecord[];
  readonly cells: readonly CellRecord[];
  readonly quantumFields: readonly QuantumField[];
  readonly dynamics: Dynamics;
}

/** A snapshot as it was stored, perhaps under earlier rules. */
export type StoredSnapshot = Omit<FieldSnapshot, 'dynamics'> & { readonly dynamics: StoredDynamics };

export function encodeSnapshot(state: FieldState): FieldSnapshot {
  return {
    version: state.version,
    hash: state.hash,
    time: state.time,
    particles: [...state.particles.values(), ...state.tombstones.values()].map(encodeParticle),
    cells: [...state.cells].map(encodeCell).sort(compareCells),
    quantumFields: state.quantumFields,
    dynamics: state.dynamics,
  };
}

/** @param snapshot stored under this version of the rules or an earlier one */
export function decodeSnapshot(field: FieldId, snapshot: StoredSnapshot): FieldState {
  const state = createFieldState(field);
  state.version = snapshot.version;
  state.hash = snapshot.hash;
  state.time = snapshot.time;
  state.quantumFields = snapshot.quantumFields;
  for (const record of snapshot.particles) {
    (record.exists ? state.particles : state.tombstones).set(record.id, decodeParticle(record));
  }
  for (const [x, y, value, ...stamp] of snapshot.cells) {
    state.cells.set(`${x},${y}`, { value, stamp: decodeStamp(stamp) });
  }
  state.dynamics = upgradeDynamics(snapshot.dynamics, state);
  return state;
}

function encodeParticle(particle: Particle): ParticleRecord {
  const { id, created, exists, attributes } = particle;
  const writes = new Map<string, { stamp: StampRecord; registers: (AttributeName | 'exists')[] }>();
  const values: Record<string, unknown> = {};
  for (const name of ['exists', ...attributeNames] as const) {
    const register: Register<unknown> | undefined = name === 'exists' ? exists : attributes[name];
    if (!register) continue;
    const stamp = encodeStamp(register.stamp);
    const key = stamp.join(' ');
    const write = writes.get(key) ?? { stamp, registers: [] };
    write.registers.push(name);
    writes.set(key, write);
    if (name !== 'exists' && register.value !== null) values[name] = register.value;
  }
  return { id, exists: exists?.value ?? false, created, ...values, writes: [...writes.values()] };
}

function decodeParticle(record: ParticleRecord): Particle {
  const particle = createParticle(record.id);
  particle.created = record.created;
  const attributes = particle.attributes as Partial<Record<AttributeName, Register<unknown>>>;
  for (const { stamp: stampRecord, registers } of record.writes) {
    const stamp = decodeStamp(stampRecord);
    for (const name of registers) {
      if (name === 'exists') particle.exists = { value: record.exists, stamp };
      else attributes[name] = { value: record[name] ?? null, stamp };
    }
  }
  return particle;
}

function encodeCell([cell, { value, stamp }]: [string, Register<number>]): CellRecord {
  const [x = 0, y = 0] = cell.split(',').map(Number);
  return [x, y, value, ...encodeStamp(stamp)];
}

function compareCells(a: CellRecord, b: CellRecord): number {
  return a[0] - b[0] || a[1] - b[1];
}

function encodeStamp({ timestamp, device, counter, version }: Stamp): StampRecord {
  return [timestamp, device, counter, version];
}

function decodeStamp([timestamp, device, counter, version]: StampRecord): Stamp {
  return { timestamp, device: device as DeviceId, counter, version };
}

/**
 * A memory particle: six registers, how a put or a remove writes them, and the values derived from them.
 *
 * A remove writes an empty value into every register. A particle that is put again therefore starts from the defaults, and
 * the result does not depend on the order in which concurrent puts and removes arrive.
 */

import { clampFinite } from '../math/clamp.ts';
import { fnv1a } from '../math/fnv1a.ts';
import { utf8Length } from '../math/utf8-length.ts';
import type { ParticleAttributes, Vector } from '../update.ts';
import type { Write } from './causality.ts';
import { mergeRegister, type Register, type WriteResult } from './register.ts';
import { compareStamps, type Stamp } from './stamp.ts';

export const attributeNames = ['position', 'velocity', 'resonance', 'content', 'connections'] as const;
export type AttributeName = (typeof attributeNames)[number];
type AttributeValue = ParticleAttributes[AttributeName] | null;

export interface Particle {
  readonly id: string;
  /** The version at which it was created or recreated: its position in the order of creation. */
  created: number;
  exists: Register<boolean> | undefined;
  /** The value `null` means that a remove emptied the register. */
  readonly attributes: { [Name in AttributeName]?: Register<NonNullable<ParticleAttributes[Name]> | null> };
  /** A cache that every write invalidates. */
  derived: DerivedParticle | undefined;
  /** A cache that a write of the content or the connections invalidates. */
  bytes: number | undefined;
}

/** The values that clients receive. */
export interface DerivedAttributes {
  readonly position: Vector;
  readonly velocity: Vector;
  readonly resonance: number;
  readonly crystallized: boolean;
  readonly content: string | undefined;
  readonly connections: readonly string[];
}

/** The derived attributes with the particle's newest stamp and its kinetic energy. */
export interface DerivedParticle extends DerivedAttributes {
  readonly newest: Stamp;
  /** ½|v|²r */
  readonly kinetic: number;
}

export interface AttributeResult {
  readonly name: AttributeName | 'exists';
  readonly result: WriteResult;
  /** The register before the write. */
  readonly before: Register<unknown> | undefined;
  readonly value: unknown;
}

export function createParticle(id: string): Particle {
  return { id, created: 0, exists: undefined, attributes: {}, derived: undefined, bytes: undefined };
}

/** Writes `exists` and the given attributes. */
export function putAttributes(particle: Particle, attributes: ParticleAttributes, write: Write): AttributeResult[] {
  const results = [writeExists(particle, true, write)];
  for (const name of attributeNames) {
    const value = attributes[name];
    if (value !== undefined) results.push(writeAttribute(particle, name, value, write));
  }
  return results;
}

/** Sets `exists` to false, and empties the attributes. */
export function removeAttributes(particle: Particle, write: Write): AttributeResult[] {
  return [
    writeExists(particle, false, write),
    ...attributeNames.map((name) => writeAttribute(particle, name, null, write)),
  ];
}

function writeExists(particle: Particle, value: boolean, write: Write): AttributeResult {
  const before = particle.exists;
  const { register, result } = mergeRegister(before, value, write);
  particle.exists = register;
  particle.derived = undefined;
  return { name: 'exists', result, before, value };
}

function writeAttribute(particle: Particle, name: AttributeName, value: AttributeValue, write: Write): AttributeResult {
  const registers = particle.attributes as { [Name in AttributeName]?: Register<AttributeValue> };
  const before = registers[name];
  const { register, result } = mergeRegister<AttributeValue>(before, value, write, areAttributesEqual);
  registers[name] = register;
  if (register !== before && (name === 'content' || name === 'connections')) particle.bytes = undefined;
  return { name, result, before, value };
}

function areAttributesEqual(a: AttributeValue, b: AttributeValue): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isList(a) || isList(b)) {
    return isList(a) && isList(b) && a.length === b.length && a.every((id, index) => id === b[index]);
  }
  return (
    (a as Vector).x === (b as Vector).x && (a as Vector).y === (b as Vector).y && (a as Vector).z === (b as Vector).z
  );
}

function isList(value: object | undefined): value is readonly string[] {
  return Array.isArray(value);
}

export function getDerivedParticle(particle: Particle): DerivedParticle {
  particle.derived ??= deriveParticle(particle);
  return particle.derived;
}

const origin: Vector = { x: 0, y: 0, z: 0 };
const noConnections: readonly string[] = [];
/** A particle crystallizes above this resonance, with more than this many connections. It is then slower, and resonates more. */
const crystallization = { resonance: 0.7, connections: 2, speedFactor: 0.5, gain: 0.1 };
/** What counts towards a field's limit in addition to the bytes of texts. */
const fixedBytes = 128;

function deriveParticle(particle: Particle): DerivedParticle {
  const { position, velocity, resonance, content, connections } = particle.attributes;
  const derived = deriveAttributes(particle.id, {
    position: position?.value ?? undefined,
    velocity: velocity?.value ?? undefined,
    resonance: resonance?.value ?? undefined,
    content: content?.value ?? undefined,
    connections: connections?.value ?? undefined,
  });
  return {
    ...derived,
    newest: findParticleStamp(particle),
    kinetic: computeKineticEnergy(derived.velocity, derived.resonance),
  };
}

/** Derives the values that clients receive of a particle from the written ones. */
export function deriveAttributes(
  id: string,
  {
    position = origin,
    velocity = deriveVelocity(id),
    resonance = 0.5,
    content,
    connections = noConnections,
  }: ParticleAttributes,
): DerivedAttributes {
  const crystallized = resonance > crystallization.resonance && connections.length > crystallization.connections;
  return {
    position,
    velocity: crystallized ? scale(velocity, crystallization.speedFactor) : velocity,
    resonance: crystallized ? Math.min(1, resonance + crystallization.gain) : resonance,
    crystallized,
    content,
    connections,
  };
}

/** The size that counts towards a field's limit: 128 for fixed costs, and the UTF-8 bytes of id, content and connections. */
export function getParticleBytes(particle: Particle): number {
  particle.bytes ??= countBytes(particle);
  return particle.bytes;
}

function countBytes({ id, attributes: { content, connections } }: Particle): number {
  let bytes = fixedBytes + utf8Length(id) + utf8Length(content?.value ?? '');
  for (const connection of connections?.value ?? noConnections) bytes += utf8Length(connection);
  return bytes;
}

function scale({ x, y, z }: Vector, factor: number): Vector {
  return { x: x * factor, y: y * factor, z: z * factor };
}

function computeKineticEnergy({ x, y, z }: Vector, resonance: number): number {
  if (resonance === 0) return 0;
  return clampFinite(0.5 * (x * x + y * y + z * z)) * resonance;
}

/** The newest stamp among all registers of a particle or tombstone. */
export function findParticleStamp({ exists, attributes }: Particle): Stamp {
  return findNewestStamp([exists, ...Object.values(attributes)]);
}

export function findNewestStamp(registers: readonly (Register<unknown> | undefined)[]): Stamp {
  let newest: Stamp | undefined;
  for (const register of registers) {
    if (register && (!newest || compareStamps(register.stamp, newest) > 0)) newest = register.stamp;
  }
  if (!newest) throw new Error('a particle without writes has no newest stamp');
  return newest;
}

/** The default velocity of a particle: a hash of its id, each axis in [-0.05, 0.05). */
export function deriveVelocity(id: string): Vector {
  return { x: deriveAxis(`${id}/x`), y: deriveAxis(`${id}/y`), z: deriveAxis(`${id}/z`) };
}

function deriveAxis(text: string): number {
  return (avalanche(fnv1a(text)) / 4_294_967_296) * 0.1 - 0.05;
}

/** The finalizer of MurmurHash3, which spreads a difference in one bit over all 32. */
function avalanche(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * A memory particle: six registers, how a put or a remove writes them, and what the particle shows.
 *
 * A remove writes "nothing" into every register, so a particle that is put again starts from the defaults, and the
 * result is the same in whichever order concurrent puts and removes arrive.
 */

import { clampFinite } from '../clamp.ts';
import type { ParticleAttributes, Vector } from '../update.ts';
import type { Write } from './causality.ts';
import { mergeRegister, type Register, type WriteResult } from './register.ts';
import { compareStamps, type Stamp } from './stamp.ts';

export const attributeNames = ['position', 'velocity', 'resonance', 'content', 'connections'] as const;
export type AttributeName = (typeof attributeNames)[number];
type AttributeValue = ParticleAttributes[AttributeName] | null;

export interface Particle {
  readonly id: string;
  /** The field version at which it came to be: its place in the order of creation. */
  created: number;
  exists: Register<boolean> | undefined;
  /** A register whose value is `null` was emptied by a remove. */
  readonly attributes: { [Name in AttributeName]?: Register<NonNullable<ParticleAttributes[Name]> | null> };
  /** What it shows, worked out once per change. */
  derived: DerivedParticle | undefined;
}

/** The particle as clients see it, and its share of the kinetic sum. */
export interface DerivedParticle {
  readonly position: Vector;
  readonly velocity: Vector;
  readonly resonance: number;
  readonly crystallized: boolean;
  readonly content: string | undefined;
  readonly connections: readonly string[];
  readonly newest: Stamp;
  /** ½|v|²r */
  readonly kinetic: number;
}

export interface AttributeResult {
  readonly name: AttributeName | 'exists';
  readonly result: WriteResult;
  /** The register as it stood before the write. */
  readonly before: Register<unknown> | undefined;
  readonly value: unknown;
}

export function createParticle(id: string): Particle {
  return { id, created: 0, exists: undefined, attributes: {}, derived: undefined };
}

/** Writes the attributes that a put brings, and that the particle exists. */
export function putAttributes(particle: Particle, attributes: ParticleAttributes, write: Write): AttributeResult[] {
  const results = [writeExists(particle, true, write)];
  for (const name of attributeNames) {
    const value = attributes[name];
    if (value !== undefined) results.push(writeAttribute(particle, name, value, write));
  }
  return results;
}

/** Empties every register: the particle is gone, and what it was is forgotten. */
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

function deriveParticle({ id, exists, attributes }: Particle): DerivedParticle {
  const baseResonance = attributes.resonance?.value ?? 0.5;
  const connections = attributes.connections?.value ?? noConnections;
  const crystallized = baseResonance > 0.7 && connections.length > 2;
  const baseVelocity = attributes.velocity?.value ?? deriveVelocity(id);
  const velocity = crystallized ? scale(baseVelocity, 0.5) : baseVelocity;
  const resonance = crystallized ? Math.min(1, baseResonance + 0.1) : baseResonance;
  return {
    position: attributes.position?.value ?? origin,
    velocity,
    resonance,
    crystallized,
    content: attributes.content?.value ?? undefined,
    connections,
    newest: findNewestStamp([exists, ...Object.values(attributes)]),
    kinetic: computeKineticEnergy(velocity, resonance),
  };
}

function scale({ x, y, z }: Vector, factor: number): Vector {
  return { x: x * factor, y: y * factor, z: z * factor };
}

function computeKineticEnergy({ x, y, z }: Vector, resonance: number): number {
  if (resonance === 0) return 0;
  return clampFinite(0.5 * (x * x + y * y + z * z)) * resonance;
}

export function findNewestStamp(registers: readonly (Register<unknown> | undefined)[]): Stamp {
  let newest: Stamp | undefined;
  for (const register of registers) {
    if (register && (!newest || compareStamps(register.stamp, newest) > 0)) newest = register.stamp;
  }
  if (!newest) throw new Error('a particle without a single write has no newest stamp');
  return newest;
}

/** The velocity of a particle that was put without one: a hash of its id, each axis in [-0.05, 0.05). */
export function deriveVelocity(id: string): Vector {
  return { x: deriveAxis(`${id}/x`), y: deriveAxis(`${id}/y`), z: deriveAxis(`${id}/z`) };
}

function deriveAxis(text: string): number {
  return (fnv1a(text) / 2 ** 32) * 0.1 - 0.05;
}

/** FNV-1a over code units, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), with a final avalanche. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

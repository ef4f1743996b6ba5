/** Converts the particles of the original system to records of a snapshot. */
import type { z } from 'zod';
import { maxParticleBytes, maxParticles } from '../../shared/field/dynamics/eviction.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { attributeNames, deriveAttributes } from '../../shared/field/registers/particle.ts';
import type { ParticleRecord } from '../../shared/field/snapshot.ts';
import type { ParticleAttributes } from '../../shared/field/update.ts';
import type { ImportReport } from './import-report.ts';
import { particleCoreSchema, particleExtraSchemas, particleTimeSchema, vectorSchema } from './original-schemas.ts';

interface OriginalParticle {
  readonly id: string;
  readonly attributes: ParticleAttributes;
  readonly timestamp: number;
}

type WrittenAttributes = ParticleAttributes & { readonly resonance: number };

interface ConversionOptions {
  /** In ms. Timestamps are limited to it, because one in the future would win against all later writes. */
  readonly latestTime: number;
  readonly report: ImportReport;
}

/** @returns the particles that a field can keep: the newest valid ones, in the original's order */
export function convertParticles(value: unknown, { latestTime, report }: ConversionOptions): OriginalParticle[] {
  const list = Array.isArray(value) ? value : [];
  if (value !== null && !Array.isArray(value)) report.drop('particles', 'memory_particles is no list');
  const used = new Set<string>();
  const particles: OriginalParticle[] = [];
  for (const item of list) {
    const particle = convertParticle(item, { latestTime, report });
    if (!particle) continue;
    const id = findFreeId(particle.id, used);
    if (id === undefined) {
      report.drop('particles', 'has the id of another one, and none was left for it', particle.id);
      continue;
    }
    if (id !== particle.id)
      report.change('particles', 'has the id of another one, and got one of its own', particle.id);
    used.add(id);
    particles.push({ ...particle, id });
  }
  return keepNewest(particles, report);
}

function convertParticle(item: unknown, { latestTime, report }: ConversionOptions): OriginalParticle | undefined {
  const core = particleCoreSchema.safeParse(item);
  if (!core.success) {
    report.drop('particles', describeIssue(core.error), nameOf(item));
    return undefined;
  }
  const { id, position, resonance } = core.data;
  const raw = item as Readonly<Record<string, unknown>>;
  const extras: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(particleExtraSchemas)) {
    if (raw[name] === undefined || raw[name] === null) continue;
    const parsed = schema.safeParse(raw[name]);
    if (parsed.success) extras[name] = parsed.data;
    else report.change('particles', `without its ${name}, which is invalid`, id);
  }
  const time = particleTimeSchema.safeParse(raw.timestamp);
  if (!time.success) report.change('particles', 'without its time, which is invalid', id);
  else if (time.data > latestTime)
    report.change('particles', "its time is later than the field's last update, and becomes that time", id);
  const timestamp = time.success ? Math.min(time.data, latestTime) : 0;
  const attributes = { position, resonance, ...(extras as ParticleAttributes) };
  return { id, timestamp, attributes: raw.crystallized === true ? undoCrystallization(id, attributes) : attributes };
}

/**
 * Undoes what crystallization had changed in a particle, which the original stored. Here only written values are stored, and the
 * changes are derived at every read, so they would otherwise be applied twice.
 */
function undoCrystallization(id: string, attributes: WrittenAttributes): WrittenAttributes {
  const { resonance, velocity } = attributes;
  const doubled = vectorSchema.safeParse(velocity && { x: velocity.x * 2, y: velocity.y * 2, z: velocity.z * 2 });
  const written = { ...attributes, resonance: resonance - 0.1, ...(doubled.success ? { velocity: doubled.data } : {}) };
  return deriveAttributes(id, written).crystallized ? written : attributes;
}

/** The original used the time in ms as an id, so two particles could have the same one. */
function findFreeId(id: string, used: ReadonlySet<string>): string | undefined {
  if (!used.has(id)) return id;
  for (let number = 2; number <= maxParticles; number += 1) {
    const candidate = `${id}~${number}`;
    if (!used.has(candidate)) return particleCoreSchema.shape.id.safeParse(candidate).success ? candidate : undefined;
  }
  return undefined;
}

function keepNewest(particles: readonly OriginalParticle[], report: ImportReport): OriginalParticle[] {
  const kept = new Set<OriginalParticle>();
  let bytes = 0;
  const newestFirst = [...particles].reverse().sort((a, b) => b.timestamp - a.timestamp);
  for (const particle of newestFirst) {
    bytes += countBytes(particle);
    if (kept.size === maxParticles || bytes > maxParticleBytes) break;
    kept.add(particle);
  }
  for (const particle of newestFirst.slice(kept.size)) {
    report.drop(
      'particles',
      `one of the oldest: a field keeps ${maxParticles}, and ${maxParticleBytes} bytes`,
      particle.id,
    );
  }
  return particles.filter((particle) => kept.has(particle));
}

/** Counts bytes like the limit of a field does. */
function countBytes({ id, attributes: { content = '', connections = [] } }: OriginalParticle): number {
  return [id, content, ...connections].reduce((sum, text) => sum + Buffer.byteLength(text), 128);
}

/** Creates each at its own version, because copies of a state list particles in the order of these versions. */
export function toParticleRecords(
  particles: readonly OriginalParticle[],
  { writer }: { readonly writer: DeviceId },
): ParticleRecord[] {
  return particles.map(({ id, attributes, timestamp }, index) => {
    const written = attributeNames.filter((name) => attributes[name] !== undefined);
    const created = index + 1;
    const stamp = [timestamp, writer, index + 1, created] as const;
    return {
      id,
      exists: true,
      created,
      ...attributes,
      writes: [{ stamp, registers: ['exists', ...written] }],
    };
  });
}

/** The path and the message of the first issue. */
export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = issue?.path.map(String).join('.');
  return `${path ? `${path}: ` : ''}${issue?.message ?? 'invalid'}`;
}

function nameOf(item: unknown): string | undefined {
  const id = typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined;
  return typeof id === 'string' ? id : undefined;
}

/** Schemas of snapshots in imported files. Snapshots in the database need none, since this software wrote them. */
import { z } from 'zod';
import { counterSchema, particleIdSchema, timeSchema, versionSchema } from '../contract/ids.ts';
import { schemaFor } from '../contract/schema-for.ts';
import { boundedText } from '../contract/text.ts';
import type { QuantumField } from '../field/dynamics/quantum-field.ts';
import { attributeNames } from '../field/registers/particle.ts';
import type { CellRecord, ParticleRecord, StoredSnapshot } from '../field/snapshot.ts';
import type { StoredDynamics } from '../field/upgrade-snapshot.ts';

/** A device id, or the pseudonym of an erasure, which is not one. */
const writerSchema = boundedText(1, 128);
const vectorSchema = z.strictObject({ x: z.number(), y: z.number(), z: z.number() });
const stamp = [timeSchema, writerSchema, counterSchema, versionSchema] as const;

const particleRecordSchema = schemaFor<ParticleRecord>()(
  z.strictObject({
    id: particleIdSchema,
    exists: z.boolean(),
    created: versionSchema,
    position: vectorSchema.optional(),
    velocity: vectorSchema.optional(),
    resonance: z.number().optional(),
    content: boundedText(0, 2000).optional(),
    connections: z.array(particleIdSchema).optional(),
    writes: z
      .array(z.strictObject({ stamp: z.tuple(stamp), registers: z.array(z.enum([...attributeNames, 'exists'])) }))
      .min(1),
  }),
);

const cellRecordSchema = (gridSize: number) => {
  const coordinate = z
    .int()
    .min(0)
    .max(gridSize - 1);
  return schemaFor<CellRecord>()(z.tuple([coordinate, coordinate, z.number(), ...stamp]));
};

const quantumFieldSchema = schemaFor<QuantumField>()(
  z.strictObject({
    id: boundedText(1, 128),
    strength: z.number(),
    coherence: z.number(),
    entanglement: z.number(),
    harmonics: z.array(z.number()).max(1000),
    sacredGeometry: z.boolean(),
    portalStability: z.number(),
    archaeologicalLayers: z.number(),
  }),
);

const dynamicsSchema = schemaFor<StoredDynamics>()(
  z.strictObject({
    resonanceBoost: z.number(),
    intelligenceBoost: z.number(),
    entanglementBoost: z.number().optional(),
    boostedAt: timeSchema,
    room64Active: z.boolean(),
    harmonies: z.int().min(0),
    bloomedAt: timeSchema,
    evictedAt: versionSchema,
    sweptThrough: versionSchema,
    maxTimestamp: timeSchema.optional(),
  }),
);

/** A snapshot without its hash, as an erasure stores it. */
export const createSnapshotSchema = (gridSize: number) =>
  schemaFor<Omit<StoredSnapshot, 'hash'>>()(
    z.strictObject({
      version: versionSchema,
      time: timeSchema,
      particles: z.array(particleRecordSchema),
      cells: z.array(cellRecordSchema(gridSize)),
      quantumFields: z.array(quantumFieldSchema),
      dynamics: dynamicsSchema,
    }),
  );

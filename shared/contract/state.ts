/** Schemas of what is read of a field: state, log, conflicts, clock. */
import { z } from 'zod';
import { counterSchema, deviceIdSchema, fieldIdSchema, particleIdSchema, timeSchema, versionSchema } from './ids.ts';
import { outcomeSchema, resolutionSchema } from './receipt.ts';
import { createUpdateSchema } from './update.ts';

const vector = z.strictObject({ x: z.number(), y: z.number(), z: z.number() });
const unitNumber = z.number().min(0).max(1);

const particleSchema = z
  .strictObject({
    id: particleIdSchema,
    position: vector,
    velocity: vector,
    resonance: unitNumber,
    crystallized: z.boolean(),
    content: z.string().optional(),
    connections: z.array(particleIdSchema),
    timestamp: timeSchema,
    device: deviceIdSchema,
  })
  .meta({ id: 'Particle' });

const quantumFieldSchema = z
  .strictObject({
    id: z.string(),
    strength: unitNumber,
    coherence: unitNumber,
    entanglement: z.number(),
    harmonics: z.array(z.number()),
    sacredGeometry: z.boolean(),
    portalStability: unitNumber,
    archaeologicalLayers: z.int(),
  })
  .meta({ id: 'QuantumField' });

const metrics = {
  globalResonance: unitNumber,
  collectiveIntelligence: unitNumber,
  room64Active: z.boolean(),
  lastUpdate: timeSchema,
};
const metricsSchema = z.strictObject(metrics).meta({ id: 'Metrics' });

const cellsSchema = z.record(z.string(), unitNumber);

export const summarySchema = z
  .strictObject({
    field: fieldIdSchema,
    version: versionSchema,
    ...metrics,
    activeNodes: z.int().min(0),
    quantumFields: z.array(quantumFieldSchema),
  })
  .meta({ id: 'Summary' });

export const stateSchema = summarySchema
  .extend({ memoryParticles: z.array(particleSchema), cells: cellsSchema })
  .meta({ id: 'State' });
export type State = z.infer<typeof stateSchema>;

export const changesSchema = z
  .strictObject({
    particles: z.record(z.string(), particleSchema.nullable()),
    cells: cellsSchema,
    quantumFields: z.array(quantumFieldSchema).optional(),
    metrics: metricsSchema,
  })
  .meta({ id: 'Changes' });

const conflictingWriteSchema = z.strictObject({
  device: deviceIdSchema,
  counter: counterSchema,
  timestamp: timeSchema,
  value: z.union([z.number(), z.record(z.string(), z.unknown()), z.null()]),
});

export const conflictSchema = z
  .strictObject({
    cell: z.string(),
    local: conflictingWriteSchema,
    remote: conflictingWriteSchema,
    resolution: resolutionSchema,
    version: versionSchema,
    time: timeSchema,
  })
  .meta({ id: 'Conflict' });

export const conflictsSchema = z
  .strictObject({ field: fieldIdSchema, total: z.int().min(0), conflicts: z.array(conflictSchema) })
  .meta({ id: 'Conflicts' });

export const clockSchema = z
  .strictObject({
    field: fieldIdSchema,
    version: versionSchema,
    clock: z.record(z.string(), counterSchema),
  })
  .meta({ id: 'Clock' });

/** An update as the log keeps it. */
export const createLogEntrySchema = (gridSize: number) =>
  z
    .strictObject({
      version: versionSchema,
      device: deviceIdSchema,
      time: timeSchema,
      outcome: outcomeSchema,
      resolution: resolutionSchema.optional(),
      update: createUpdateSchema(gridSize),
    })
    .meta({ title: 'LogEntry' });

export const createLogPageSchema = (gridSize: number) =>
  z
    .strictObject({
      field: fieldIdSchema,
      version: versionSchema.meta({ description: "The field's version; there is more when the page ends before it." }),
      oldest: versionSchema.meta({ description: 'What came up to here is no longer kept.' }),
      updates: z.array(createLogEntrySchema(gridSize)),
    })
    .meta({ title: 'LogPage' });

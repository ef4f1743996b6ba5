/** Schemas of the readable parts of a field: state, changes, log, conflicts and clock. */
import { z } from 'zod';
import { maxParticleBytes, maxParticles } from '../field/dynamics/eviction.ts';
import type { Metrics } from '../field/dynamics/field-metrics.ts';
import type { QuantumField } from '../field/dynamics/quantum-field.ts';
import type { Conflict, ConflictingWrite } from '../field/registers/conflict-record.ts';
import type { ParticleAttributes } from '../field/update.ts';
import type { Changes, ParticleView } from '../field/view.ts';
import {
  counterSchema,
  cursorSchema,
  deviceIdSchema,
  fieldIdSchema,
  particleIdSchema,
  timeSchema,
  versionSchema,
} from './ids.ts';
import type { State } from './messages.ts';
import { outcomeSchema, resolutionSchema } from './receipt.ts';
import { schemaFor } from './schema-for.ts';
import { createUpdateSchema } from './update.ts';

const vectorSchema = z.strictObject({ x: z.number(), y: z.number(), z: z.number() });
const unitNumber = z.number().min(0).max(1);

const particleSchema = schemaFor<ParticleView>()(
  z
    .strictObject({
      id: particleIdSchema,
      position: vectorSchema,
      velocity: vectorSchema,
      resonance: unitNumber,
      crystallized: z.boolean(),
      content: z.string().optional(),
      connections: z.array(particleIdSchema),
      timestamp: timeSchema,
      device: deviceIdSchema,
    })
    .meta({ id: 'Particle' }),
);

const quantumFieldSchema = schemaFor<QuantumField>()(
  z
    .strictObject({
      id: z.string(),
      strength: unitNumber,
      coherence: unitNumber,
      entanglement: unitNumber,
      harmonics: z.array(z.number()),
      sacredGeometry: z.boolean(),
      portalStability: unitNumber,
      archaeologicalLayers: z.int(),
    })
    .meta({ id: 'QuantumField' }),
);

const metrics = {
  globalResonance: unitNumber,
  collectiveIntelligence: unitNumber,
  room64Active: z.boolean(),
  lastUpdate: timeSchema,
};
const metricsSchema = schemaFor<Metrics>()(z.strictObject(metrics).meta({ id: 'Metrics' }));

const cellsSchema = z.record(z.string(), unitNumber);
/** `null` for a cell that was erased. */
const changedCellsSchema = z.record(z.string(), unitNumber.nullable());

const stateSummarySchema = z.strictObject({
  field: fieldIdSchema,
  version: versionSchema,
  cursor: cursorSchema,
  maxTimestamp: timeSchema.meta({ description: 'The highest timestamp of any value that was ever written.' }),
  ...metrics,
  quantumFields: z.array(quantumFieldSchema),
});

export const summarySchema = stateSummarySchema
  .extend({
    activeNodes: z.int().min(0).optional().meta({
      description: 'The number of present devices, which is not part of the state. Absent for an earlier state.',
    }),
  })
  .meta({ id: 'Summary' });

export const stateSchema = schemaFor<State>()(
  stateSummarySchema
    .extend({
      memoryParticles: z.array(particleSchema).meta({
        description: `At most ${maxParticles} particles and ${maxParticleBytes} bytes of them (128 each, and the UTF-8 bytes of id, content and connections); above that, those with the oldest writes are evicted.`,
      }),
      cells: cellsSchema,
    })
    .meta({ id: 'State' }),
);

export const changesSchema = schemaFor<Changes>()(
  z
    .strictObject({
      particles: z.record(z.string(), particleSchema.nullable()),
      cells: changedCellsSchema,
      quantumFields: z.array(quantumFieldSchema).optional(),
      metrics: metricsSchema.optional(),
    })
    .meta({ id: 'Changes' }),
);

const particleAttributesSchema = schemaFor<ParticleAttributes>()(
  z.strictObject({
    position: vectorSchema.optional(),
    velocity: vectorSchema.optional(),
    resonance: unitNumber.optional(),
    content: z.string().optional(),
    connections: z.array(particleIdSchema).optional(),
  }),
);

const conflictingWriteSchema = schemaFor<ConflictingWrite>()(
  z.strictObject({
    device: deviceIdSchema,
    counter: counterSchema,
    timestamp: timeSchema,
    value: z.union([z.number(), particleAttributesSchema, z.null()]),
  }),
);

export const conflictSchema = schemaFor<Conflict>()(
  z
    .strictObject({
      cell: z.string(),
      local: conflictingWriteSchema,
      remote: conflictingWriteSchema,
      resolution: resolutionSchema,
      version: versionSchema,
      time: timeSchema,
    })
    .meta({ id: 'Conflict' }),
);

export const conflictsSchema = z
  .strictObject({
    field: fieldIdSchema,
    total: z.int().min(0),
    conflicts: z.array(conflictSchema),
    next: z
      .string()
      .optional()
      .meta({ description: 'The value of `?before=` for the next page. Absent on the last page.' }),
  })
  .meta({ id: 'Conflicts' });

export const clockSchema = z
  .strictObject({
    field: fieldIdSchema,
    version: versionSchema,
    cursor: cursorSchema,
    clock: z.record(z.string(), counterSchema),
    next: deviceIdSchema
      .optional()
      .meta({ description: 'The value of `?after=` for the next page. Absent on the last page.' }),
  })
  .meta({ id: 'Clock' });

export const fieldsPageSchema = z
  .strictObject({
    fields: z.array(
      z.strictObject({
        field: fieldIdSchema,
        version: versionSchema,
        cursor: cursorSchema,
        particles: z.int().min(0),
        cells: z.int().min(0),
        devices: z.int().min(0),
        lastUpdate: timeSchema,
      }),
    ),
    next: fieldIdSchema
      .optional()
      .meta({ description: 'The value of `?after=` for the next page. Absent on the last page.' }),
  })
  .meta({ id: 'Fields' });

/** The properties that all entries of the log have. */
const entryHeader = {
  version: versionSchema,
  cursor: cursorSchema,
  time: timeSchema,
  outcome: outcomeSchema,
  resolution: resolutionSchema.optional(),
};

/** An update as it is stored in the log. */
export const createLogEntrySchema = (gridSize: number) =>
  z
    .strictObject({ ...entryHeader, device: deviceIdSchema, update: createUpdateSchema(gridSize) })
    .meta({ title: 'LogEntry' });

/** An erasure, which names versions and never a person. */
const erasureEntrySchema = z
  .strictObject({
    ...entryHeader,
    erasure: z.strictObject({
      id: z.string(),
      from: versionSchema.meta({
        description: 'The states from this version up to the erasure can no longer be read.',
      }),
      versions: z
        .array(z.tuple([versionSchema, versionSchema]))
        .meta({ description: 'The erased entries, as ranges of versions with both ends.' }),
    }),
  })
  .meta({ title: 'ErasureEntry' });

/** An entry whose content was erased. */
const erasedEntrySchema = z
  .strictObject({ ...entryHeader, contentHash: z.string().meta({ description: 'The hash of the erased content.' }) })
  .meta({ title: 'ErasedEntry' });

export const createLogPageSchema = (gridSize: number) =>
  z
    .strictObject({
      field: fieldIdSchema,
      version: versionSchema.meta({
        description: "The field's version; the log continues if the page ends before it.",
      }),
      oldest: versionSchema.meta({ description: 'Updates up to this version have been pruned.' }),
      updates: z.array(z.union([createLogEntrySchema(gridSize), erasureEntrySchema, erasedEntrySchema])),
    })
    .meta({ title: 'LogPage' });

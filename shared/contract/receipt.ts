/** Schemas of the responses to updates: accepted, applied, and the receipt of a single update. */
import { z } from 'zod';
import { foldOutcomes } from '../field/fold.ts';
import { type Resolution, resolutions } from '../field/registers/conflict-record.ts';
import { counterSchema, cursorSchema, deviceIdSchema, fieldIdSchema, timeSchema, versionSchema } from './ids.ts';
import type { Accepted, AppliedResponse, Durability, Outcome, Receipt, UpdateResult } from './messages.ts';
import { schemaFor } from './schema-for.ts';

export const durabilitySchema = schemaFor<Durability>()(
  z.enum(['fsync', 'everysec', 'memory', 'postgres']).meta({
    id: 'Durability',
    description:
      'Where an accepted update is stored: Redis with an fsync for every write, every second or never, or PostgreSQL. ' +
      '`memory` also if PostgreSQL may lose commits, or if the settings cannot be read.',
  }),
);

/** The result of the fold, or why an update was not folded again. */
export const outcomeSchema = schemaFor<Outcome>()(
  z.enum([...foldOutcomes, 'duplicate', 'reused', 'expired']).meta({ id: 'Outcome' }),
);

export const resolutionSchema = schemaFor<Resolution>()(z.enum(resolutions).meta({ id: 'Resolution' }));

/** The result of one update. */
const resultSchema = schemaFor<UpdateResult>()(
  z
    .strictObject({
      counter: counterSchema,
      outcome: outcomeSchema,
      version: versionSchema,
      cursor: cursorSchema,
      resolution: resolutionSchema.optional(),
    })
    .meta({ id: 'Result' }),
);

export const acceptedSchema = schemaFor<Accepted>()(
  z
    .strictObject({
      accepted: z.int().min(1),
      field: fieldIdSchema,
      version: versionSchema.meta({
        description: 'The latest version that this process knows; not the version of these updates.',
      }),
      serverTime: timeSchema,
      durability: durabilitySchema,
      adjusted: z.array(counterSchema).optional(),
    })
    .meta({ id: 'Accepted' }),
);

export const appliedSchema = schemaFor<AppliedResponse>()(
  z
    .strictObject({
      field: fieldIdSchema,
      version: versionSchema,
      cursor: cursorSchema,
      results: z.array(resultSchema),
      serverTime: timeSchema,
      adjusted: z.array(counterSchema).optional(),
    })
    .meta({ id: 'Applied' }),
);

/** The receipt of one update; without version and outcome once the log no longer has the update. */
export const receiptSchema = schemaFor<Receipt>()(
  z
    .strictObject({
      field: fieldIdSchema,
      device: deviceIdSchema,
      counter: counterSchema,
      status: z.enum(['applied', 'unknown']),
      version: versionSchema.optional(),
      cursor: cursorSchema.optional(),
      outcome: outcomeSchema.optional(),
      resolution: resolutionSchema.optional(),
    })
    .meta({ id: 'Receipt' }),
);

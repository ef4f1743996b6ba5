/** What stands in the queue: the updates that a request brought, or those of several requests in one job. */
import { z } from 'zod';
import type { DeviceId, FieldId } from '../field/ids.ts';
import type { Update } from '../field/update.ts';
import { deviceIdSchema, fieldIdSchema, timeSchema } from './ids.ts';
import type { UpdateResult } from './receipt.ts';
import { fieldPatternSchema } from './token.ts';
import { createUpdatesSchema } from './update.ts';

export const updatesQueue = 'updates';
export const applyUpdatesJob = 'apply-updates';

export interface ApplyUpdates {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly updates: readonly Update[];
  /** When it was taken in, in ms. */
  readonly acceptedAt: number;
  /** The token's user, for the audit. */
  readonly user?: string;
  /** What the token allowed, for the worker to check; none for what the command of an operator puts in. */
  readonly grant?: Grant;
  /** Where somebody waits for the results. */
  readonly replyTo?: ReplyAddress;
}

/** What of a token decides whether a job may be applied. Never the token: queues are read by many. */
export interface Grant {
  /** The pattern by which it covers the field. */
  readonly pattern: string;
  readonly tokenId?: string;
  /** In seconds. */
  readonly issuedAt?: number;
}

/** Requests that came while the queue was busy with others: each is applied, answered, and can fail on its own. */
interface ApplyUpdatesBatch {
  readonly together: readonly ApplyUpdates[];
}

export type UpdatesJob = ApplyUpdates | ApplyUpdatesBatch;

/** The requests in a job. What stands in a queue may be of any shape: they are yet to be checked. */
export function listRequests(job: UpdatesJob): readonly ApplyUpdates[] {
  const together = typeof job === 'object' && job !== null && 'together' in job ? job.together : undefined;
  return Array.isArray(together) ? together : [job as ApplyUpdates];
}

/** A waiting request: the channel of its process, and its name there. */
export interface ReplyAddress {
  readonly process: string;
  readonly request: string;
}

export interface ApplyUpdatesResult {
  readonly field: FieldId;
  readonly version: number;
  readonly results: readonly UpdateResult[];
}

export function createJobSchema(gridSize: number): z.ZodType<ApplyUpdates> {
  return z.strictObject({
    field: fieldIdSchema,
    device: deviceIdSchema,
    updates: createUpdatesSchema(gridSize),
    acceptedAt: timeSchema,
    user: z.string().optional(),
    grant: z
      .strictObject({ pattern: fieldPatternSchema, tokenId: z.string().optional(), issuedAt: z.number().optional() })
      .optional(),
    replyTo: z.strictObject({ process: z.string(), request: z.string() }).optional(),
  }) as unknown as z.ZodType<ApplyUpdates>;
}

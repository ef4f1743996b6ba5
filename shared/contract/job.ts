/** Jobs of the queue: the updates of one request, or of several requests that were batched into one job. */
import { z } from 'zod';
import type { Cursor } from '../field/cursor.ts';
import type { DeviceId, FieldId } from '../field/ids.ts';
import type { SentUpdate } from '../field/update.ts';
import { deviceIdSchema, fieldIdSchema, timeSchema } from './ids.ts';
import type { UpdateResult } from './messages.ts';
import { schemaFor } from './schema-for.ts';
import { fieldPatternSchema } from './token.ts';
import { createUpdatesSchema } from './update.ts';

export const updatesQueue = 'updates';
export const applyUpdatesJob = 'apply-updates';

export interface ApplyUpdates {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly updates: readonly SentUpdate[];
  /** When the API accepted the request, in ms since the epoch. */
  readonly acceptedAt: number;
  /** The `sub` claim of the token, for the audit log. */
  readonly user?: string;
  /** The authorization that the worker checks again. Absent from jobs that an operator enqueues with the CLI. */
  readonly grant?: Grant;
  /** The id of the HTTP request, by which operators find it in the logs. Absent from updates sent over sockets or by commands. */
  readonly request?: string;
  /** The address of a request that waits for the results. */
  readonly replyTo?: ReplyAddress;
}

/** The claims that decide whether a job may be applied. Never the token itself: many people can read a queue. */
export interface Grant {
  /** The field pattern of the token that matched. */
  readonly pattern: string;
  readonly tokenId?: string;
  /** In seconds since the epoch. */
  readonly issuedAt?: number;
  /** The last change of the revocations that the token was checked against. Absent if they had not been read recently. */
  readonly revocations?: number;
}

/** Requests that arrived while an earlier job was being added. Each is applied and answered, and can fail, independently. */
interface ApplyUpdatesBatch {
  readonly together: readonly ApplyUpdates[];
}

export type UpdatesJob = ApplyUpdates | ApplyUpdatesBatch;

/** The requests in a job. Job data may have any shape: each request must still be validated. */
export function listRequests(job: UpdatesJob): readonly ApplyUpdates[] {
  const together = typeof job === 'object' && job !== null && 'together' in job ? job.together : undefined;
  return Array.isArray(together) ? together : [job as ApplyUpdates];
}

/** Identifies a waiting request: its API process, which listens on a channel of its own, and its id in that process. */
export interface ReplyAddress {
  readonly process: string;
  readonly request: string;
}

export interface ApplyUpdatesResult {
  readonly field: FieldId;
  readonly version: number;
  readonly cursor: Cursor;
  readonly results: readonly UpdateResult[];
}

export function createJobSchema(gridSize: number) {
  return schemaFor<ApplyUpdates>()(
    z.strictObject({
      field: fieldIdSchema,
      device: deviceIdSchema,
      updates: createUpdatesSchema(gridSize),
      acceptedAt: timeSchema,
      user: z.string().optional(),
      grant: z
        .strictObject({
          pattern: fieldPatternSchema,
          tokenId: z.string().optional(),
          issuedAt: z.number().optional(),
          revocations: z.int().min(0).optional(),
        })
        .optional(),
      request: z.string().max(64).optional(),
      replyTo: z.strictObject({ process: z.string(), request: z.string() }).optional(),
    }),
  );
}

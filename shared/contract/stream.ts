/** Schemas of the messages of the streams (WebSocket and Server-Sent Events). */
import { z } from 'zod';
import { counterSchema, cursorSchema, deviceIdSchema, timeSchema, versionSchema } from './ids.ts';
import type { ControlMessage, DeltaUpdate, ServerMessage, SnapshotReason } from './messages.ts';
import { problemSchema } from './problem.ts';
import { durabilitySchema, outcomeSchema, resolutionSchema } from './receipt.ts';
import { schemaFor } from './schema-for.ts';
import { changesSchema, conflictSchema, stateSchema } from './state.ts';
import { maxTokenLength } from './wire.ts';

/** The messages of clients other than `update`, whose updates are validated like those of a request. */
export const controlMessageSchema = schemaFor<ControlMessage>()(
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('ping') }),
    z.strictObject({ type: z.literal('token'), token: z.string().min(1).max(maxTokenLength) }),
  ]),
);
const deltaUpdateSchema = schemaFor<DeltaUpdate>()(
  z.strictObject({
    device: deviceIdSchema,
    counter: counterSchema,
    outcome: outcomeSchema,
    version: versionSchema,
    resolution: resolutionSchema.optional(),
  }),
);

const snapshotReasonSchema = schemaFor<SnapshotReason>()(z.enum(['start', 'gap', 'unknown-cursor']));

const deltaSchema = z.strictObject({
  type: z.literal('delta'),
  from: cursorSchema,
  to: cursorSchema,
  maxTimestamp: timeSchema,
  changes: changesSchema,
  updates: z.array(deltaUpdateSchema),
  conflicts: z.array(conflictSchema).optional(),
});

export const serverMessageSchema = schemaFor<ServerMessage>()(
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('snapshot'),
      cursor: cursorSchema,
      reason: snapshotReasonSchema,
      state: stateSchema,
    }),
    deltaSchema,
    z.strictObject({ type: z.literal('presence'), activeNodes: z.int().min(0) }),
    z.strictObject({
      type: z.literal('accepted'),
      counters: z.array(counterSchema),
      serverTime: timeSchema,
      durability: durabilitySchema,
      adjusted: z.array(counterSchema).optional(),
    }),
    z.strictObject({ type: z.literal('error'), problem: problemSchema }),
    z.strictObject({ type: z.literal('pong'), serverTime: timeSchema }),
    z.strictObject({ type: z.literal('bye'), reason: z.string(), retryAfter: z.number().min(0) }),
  ]),
);

/** Schemas of the messages of the streams (WebSocket and Server-Sent Events). */
import { z } from 'zod';
import type { Region } from '../field/math/region.ts';
import { utf8Length } from '../field/math/utf8-length.ts';
import { counterSchema, cursorSchema, deviceIdSchema, timeSchema, versionSchema } from './ids.ts';
import type {
  ControlMessage,
  DeltaUpdate,
  PresenceData,
  PresentDevice,
  ServerMessage,
  SnapshotReason,
} from './messages.ts';
import { problemSchema } from './problem.ts';
import { durabilitySchema, outcomeSchema, resolutionSchema } from './receipt.ts';
import { schemaFor } from './schema-for.ts';
import { changesSchema, conflictSchema, stateSchema } from './state.ts';
import { maxPresenceBytes, maxTokenLength } from './wire.ts';

const presenceDataSchema = schemaFor<PresenceData>()(
  z
    .looseObject({
      position: z
        .looseObject({ x: z.number(), y: z.number() })
        .optional()
        .meta({ description: 'In grid units. In a field with many devices, those near a watcher are shown.' }),
    })
    .refine((data) => utf8Length(JSON.stringify(data)) <= maxPresenceBytes, {
      error: `must be at most ${maxPresenceBytes} bytes of JSON`,
    })
    .meta({ id: 'PresenceData' }),
);

export const presentDeviceSchema = schemaFor<PresentDevice>()(
  z
    .strictObject({
      device: deviceIdSchema,
      user: z.string().max(256).optional().meta({ description: 'Absent for a device that registered itself.' }),
      data: presenceDataSchema.optional(),
      at: timeSchema.meta({ description: 'When the device joined, or last changed its data.' }),
    })
    .meta({ id: 'PresentDevice' }),
);

const activeNodesSchema = z.int().min(0).meta({ description: 'The number of present devices.' });

/** The response of `GET /api/fields/:field/presence`. */
export const presenceSchema = z
  .strictObject({
    activeNodes: activeNodesSchema,
    devices: z.array(presentDeviceSchema).meta({
      description: 'The devices; of more than 200, those that are nearest to the centre of the region, or of the grid.',
    }),
  })
  .meta({ id: 'Presence' });

const presenceChangeSchema = z.strictObject({
  type: z.literal('presence'),
  activeNodes: activeNodesSchema,
  complete: z.literal(true).optional(),
  devices: z.array(presentDeviceSchema),
  gone: z.array(deviceIdSchema).optional(),
});

/** Beyond it, coordinates are not exact. */
const maxCoordinate = Number.MAX_SAFE_INTEGER;
const coordinateSchema = z.number().min(-maxCoordinate).max(maxCoordinate);

export const regionSchema = schemaFor<Region>()(
  z
    .strictObject({ x0: coordinateSchema, y0: coordinateSchema, x1: coordinateSchema, y1: coordinateSchema })
    .refine(({ x0, x1, y0, y1 }) => x0 < x1 && y0 < y1, 'must have x0 below x1 and y0 below y1')
    .meta({ id: 'Region' }),
);

/** The messages of clients other than `update`, whose updates are validated like those of a request. */
export const controlMessageSchema = schemaFor<ControlMessage>()(
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('ping') }),
    z.strictObject({ type: z.literal('presence'), data: presenceDataSchema }),
    z.strictObject({ type: z.literal('region'), region: regionSchema.nullable() }),
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

const snapshotReasonSchema = schemaFor<SnapshotReason>()(z.enum(['start', 'gap', 'unknown-cursor', 'region']));

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
    presenceChangeSchema,
    z.strictObject({
      type: z.literal('accepted'),
      counters: z.array(counterSchema),
      serverTime: timeSchema,
      durability: durabilitySchema,
      adjusted: z.array(counterSchema).optional(),
    }),
    z.strictObject({ type: z.literal('error'), problem: problemSchema, messageNumber: z.int().min(1).optional() }),
    z.strictObject({ type: z.literal('pong'), serverTime: timeSchema }),
    z.strictObject({ type: z.literal('bye'), reason: z.string(), retryAfter: z.number().min(0) }),
  ]),
);

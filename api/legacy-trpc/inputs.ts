/** Schemas of what apps of the original system may send, with bounds. */
import { z } from 'zod';
import { particleIdSchema } from '../../shared/contract/ids.ts';
import { boundedText } from '../../shared/contract/text.ts';
import { maxCellsPerUpdate, maxConnections, maxContentLength } from '../../shared/contract/wire.ts';
import { eventTypes } from '../../shared/field/update.ts';

/** The name that an app has chosen when it started. */
const nodeId = boundedText(1, 128);
/** Counters by node. Only the sender's own entry is used, and the others are not even validated. */
const clock = z.record(z.string(), z.unknown());

export const fieldUpdateInput = z.object({
  nodeId,
  position: z.object({ x: z.number(), y: z.number(), z: z.number().default(0) }),
  resonance: z.number().min(0).max(1),
  memoryContent: boundedText(0, maxContentLength).optional(),
  connections: z.array(particleIdSchema).max(maxConnections).default([]),
  vectorClock: clock.default({}),
});

export const eventInput = z.object({ nodeId, type: z.enum(eventTypes), data: z.unknown().optional() });

export const fieldDeltaInput = z.object({
  deviceId: nodeId,
  delta: z.object({
    clock: clock.default({}),
    changes: z
      .array(z.object({ x: z.number(), y: z.number(), value: z.number().min(0).max(1), timestamp: z.number().min(0) }))
      .max(maxCellsPerUpdate),
  }),
});

export const connectInput = z.object({ nodeId, platform: z.enum(['web', 'mobile', 'tablet']) });
export const heartbeatInput = z.object({ nodeId });
export const enterRoomInput = z.object({ nodeId, sacredPhrase: boundedText(1, 500) });
export const breatheInput = z.object({
  nodeId,
  inhale: z.number().min(1000).max(30_000),
  hold: z.number().min(0).max(60_000),
  exhale: z.number().min(1000).max(45_000),
});
export const exitVoidInput = z.object({ nodeId });
export const excavateInput = z.object({ nodeId, targetDepth: z.number().min(1).max(20) });
export const analyzeInput = z.object({ nodeId: nodeId.optional() });
export const entangleInput = z.object({ nodeA: nodeId, nodeB: nodeId });

/** The number that an app has given to a change; undefined if it gave none that can be used. */
export function findOwnCounter(vectorClock: Readonly<Record<string, unknown>>, node: string): number | undefined {
  const counter = Object.hasOwn(vectorClock, node) ? vectorClock[node] : undefined;
  return typeof counter === 'number' && Number.isSafeInteger(counter) && counter >= 1 ? counter : undefined;
}

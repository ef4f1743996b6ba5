/** Schemas of an update and of a batch of updates; their types are declared in `shared/field`. */
import { z } from 'zod';
import { eventTypes, type SentUpdate } from '../field/update.ts';
import { counterSchema, cursorSchema, deviceKeySchema, particleIdSchema, timeSchema, versionSchema } from './ids.ts';
import { schemaFor } from './schema-for.ts';
import { boundedText } from './text.ts';
import { maxCellsPerUpdate, maxClockEntries, maxConnections, maxContentLength, maxUpdatesPerRequest } from './wire.ts';

const unitNumber = z.number().min(0).max(1);
const vector = z.strictObject({ x: z.number(), y: z.number(), z: z.number().default(0) }).meta({ id: 'Vector' });

const origin = {
  counter: counterSchema,
  timestamp: timeSchema,
  seen: z.union([versionSchema, cursorSchema]).default(0),
  clock: z
    .record(deviceKeySchema, z.int().min(0))
    .refine((clock) => Object.keys(clock).length <= maxClockEntries, `has more than ${maxClockEntries} entries`)
    .optional(),
};

const particlePut = z.strictObject({
  ...origin,
  kind: z.literal('particle.put'),
  id: particleIdSchema,
  position: vector.optional(),
  velocity: vector.optional(),
  resonance: unitNumber.optional(),
  content: boundedText(0, maxContentLength).optional(),
  connections: z.array(particleIdSchema).max(maxConnections).optional(),
});

const particleRemove = z.strictObject({ ...origin, kind: z.literal('particle.remove'), id: particleIdSchema });

const fieldEvent = z.strictObject({
  ...origin,
  kind: z.literal('event'),
  type: z.enum(eventTypes),
  intensity: unitNumber.optional(),
});

/** A cell of a `cells.set`. */
export function createCellSchema(gridSize: number) {
  const coordinate = z
    .int()
    .min(0)
    .max(gridSize - 1);
  return z.strictObject({ x: coordinate, y: coordinate, value: unitNumber });
}

function cellsSet(gridSize: number) {
  return z.strictObject({
    ...origin,
    kind: z.literal('cells.set'),
    cells: z
      .array(createCellSchema(gridSize))
      .min(1)
      .max(maxCellsPerUpdate)
      .refine(
        (cells) => new Set(cells.map(({ x, y }) => x * gridSize + y)).size === cells.length,
        'names a cell twice',
      ),
  });
}

/** One change by one device, on a grid of `gridSize` × `gridSize` cells. */
export function createUpdateSchema(gridSize: number) {
  return schemaFor<SentUpdate>()(
    z
      .discriminatedUnion('kind', [particlePut, particleRemove, cellsSet(gridSize), fieldEvent])
      .meta({ title: 'Update' }),
  );
}

/** 1 to `maxUpdatesPerRequest` updates of one device, with rising counters. */
export function createUpdatesSchema(gridSize: number) {
  return z
    .array(createUpdateSchema(gridSize))
    .min(1)
    .max(maxUpdatesPerRequest)
    .superRefine((updates, context) => {
      updates.forEach((update, index) => {
        const previous = updates[index - 1];
        if (previous && update.counter <= previous.counter) {
          context.addIssue({
            code: 'custom',
            path: [index, 'counter'],
            message: 'counters must increase within a batch',
          });
        }
      });
    });
}

/** Schemas of the rows of the original system. Anything that does not match is left out, and reported. */
import { z } from 'zod';
import { deviceKeySchema, particleIdSchema } from '../../shared/contract/ids.ts';
import { boundedText } from '../../shared/contract/text.ts';
import { maxConnections, maxContentLength } from '../../shared/contract/wire.ts';
import { resolutions } from '../../shared/field/registers/conflict-record.ts';

const unit = z.number().min(0).max(1);
/** `z` is optional, because the original did not always require it. */
export const vectorSchema = z.object({ x: z.number(), y: z.number(), z: z.number().default(0) });

/** Without these, a particle is not imported. */
export const particleCoreSchema = z.object({ id: particleIdSchema, position: vectorSchema, resonance: unit });

/** A particle is imported without those of these that are invalid. */
export const particleExtraSchemas = {
  velocity: vectorSchema,
  content: boundedText(0, maxContentLength),
  connections: z.array(particleIdSchema).max(maxConnections),
} as const;

export const particleTimeSchema = z.number().min(0).transform(Math.floor);

export const quantumFieldSchema = z.object({
  id: boundedText(1, 128),
  strength: unit,
  coherence: unit,
  entanglement: unit,
  harmonics: z.array(z.number()).max(64),
  sacredGeometry: z.boolean(),
  portalStability: unit,
  archaeologicalLayers: z.int().min(0).max(1_000_000_000),
});

export const clockRowSchema = z.object({
  deviceId: deviceKeySchema,
  version: z.int().min(0),
  lastUpdate: z.number().min(0).nullable().catch(null),
});

/** The columns are named as versions, and hold values of a cell. */
export function createConflictRowSchema(gridSize: number) {
  const isInside = (cell: string) => cell.split(',').every((coordinate) => Number(coordinate) < gridSize);
  return z.object({
    cell: z
      .string()
      .regex(/^(0|[1-9]\d{0,5}),(0|[1-9]\d{0,5})$/, { error: 'must be "x,y"', abort: true })
      .refine(isInside, `lies outside the grid of ${gridSize} × ${gridSize} cells`),
    localVersion: unit,
    remoteVersion: unit,
    resolution: z.enum(resolutions),
    createdAt: z.number().min(0),
  });
}

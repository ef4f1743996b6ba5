/** Schemas of identifiers and of the numbers that order updates. */
import { z } from 'zod';
import { type Cursor, cursorPattern, isCursor } from '../field/cursor.ts';
import {
  type DeviceId,
  deviceIdPattern,
  deviceIdRule,
  type FieldId,
  fieldIdPattern,
  fieldIdRule,
} from '../field/ids.ts';
import { boundedText } from './text.ts';
import { maxParticleIdLength } from './wire.ts';

/** The brand exists for the compiler only: at run time a branded id is a plain string. */
function branded<Id extends string>(schema: z.ZodType<string, string>): z.ZodType<Id, string> {
  return schema as z.ZodType<Id, string>;
}

export const fieldIdSchema = branded<FieldId>(
  z.string().regex(fieldIdPattern, fieldIdRule).meta({ id: 'FieldId', example: 'global' }),
);

/** A device id without its brand, for the keys of records. */
export const deviceKeySchema = z
  .string()
  .regex(deviceIdPattern, deviceIdRule)
  // Protections against prototype pollution refuse or drop this name as the key of a vector clock.
  .refine((id) => id !== '__proto__', deviceIdRule)
  .meta({ id: 'DeviceId', example: 'phone-1' });
export const deviceIdSchema = branded<DeviceId>(deviceKeySchema);

export const particleIdSchema = boundedText(1, maxParticleIdLength).meta({ id: 'ParticleId', example: 'star-1' });

export const counterSchema = z.int().min(1).meta({ id: 'Counter' });
export const versionSchema = z.int().min(0).meta({ id: 'Version' });
export const cursorSchema = branded<Cursor>(
  z
    .string()
    .regex(cursorPattern, { error: 'must be a cursor: a version, a dot and 16 hex digits', abort: true })
    .refine(isCursor, 'has a version above 2^53')
    .meta({ id: 'Cursor', example: '12.9f86d081884c7d65' }),
);
export const timeSchema = z.int().min(0).meta({ id: 'TimeMs' });

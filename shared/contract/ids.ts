/** Schemas of the names of things. */
import { z } from 'zod';
import { type DeviceId, deviceIdPattern, type FieldId, fieldIdPattern } from '../field/ids.ts';
import { boundedText } from './text.ts';

export const fieldIdSchema = z
  .string()
  .regex(fieldIdPattern, 'must be 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit')
  .meta({ id: 'FieldId', example: 'global' }) as unknown as z.ZodType<FieldId, string>;

export const deviceIdSchema = z
  .string()
  .regex(deviceIdPattern, 'must be 1 to 64 of A-Z, a-z, 0-9, . _ : and -')
  // As the key of a clock it would be refused, or dropped, by whoever guards against prototype pollution.
  .refine((id) => id !== '__proto__', 'must not be __proto__')
  .meta({ id: 'DeviceId', example: 'phone-1' }) as unknown as z.ZodType<DeviceId, string>;

export const particleIdSchema = boundedText(1, 128).meta({ id: 'ParticleId', example: 'star-1' });

export const counterSchema = z.int().min(1).meta({ id: 'Counter' });
export const versionSchema = z.int().min(0).meta({ id: 'Version' });
export const timeSchema = z.int().min(0).meta({ id: 'TimeMs' });

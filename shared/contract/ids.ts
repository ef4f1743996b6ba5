/** Schemas of the names of things. */
import { z } from 'zod';
import {
  type DeviceId,
  deviceIdPattern,
  deviceIdRule,
  type FieldId,
  fieldIdPattern,
  fieldIdRule,
} from '../field/ids.ts';
import { boundedText } from './text.ts';

export const fieldIdSchema = z
  .string()
  .regex(fieldIdPattern, fieldIdRule)
  .meta({ id: 'FieldId', example: 'global' }) as unknown as z.ZodType<FieldId, string>;

export const deviceIdSchema = z
  .string()
  .regex(deviceIdPattern, deviceIdRule)
  .refine((id) => id !== '__proto__', deviceIdRule)
  .meta({ id: 'DeviceId', example: 'phone-1' }) as unknown as z.ZodType<DeviceId, string>;

export const particleIdSchema = boundedText(1, 128).meta({ id: 'ParticleId', example: 'star-1' });

export const counterSchema = z.int().min(1).meta({ id: 'Counter' });
export const versionSchema = z.int().min(0).meta({ id: 'Version' });
export const timeSchema = z.int().min(0).meta({ id: 'TimeMs' });

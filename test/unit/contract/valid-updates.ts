/** Valid updates that a test can make invalid in one property, and functions that return the errors of a schema. */
import type { z } from 'zod';

const origin = { counter: 1, timestamp: 1_700_000_000_000 };
export const put = { ...origin, kind: 'particle.put', id: 'star-1' };
export const remove = { ...origin, kind: 'particle.remove', id: 'star-1' };
export const cells = { ...origin, kind: 'cells.set', cells: [{ x: 0, y: 29, value: 0.5 }] };
export const event = { ...origin, kind: 'event', type: 'bloom' };

/** Converts a value to JSON and back, which removes undefined properties as a request does. */
export const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export interface ValidationError {
  readonly path: string;
  readonly message: string;
}

/** Returns the validation errors of an input; the list is empty if it is valid. */
export function validationErrors(schema: z.ZodType, input: unknown): ValidationError[] {
  const { error } = schema.safeParse(input);
  return (error?.issues ?? []).map(({ path, message }) => ({ path: path.map(String).join('/'), message }));
}

/** Returns the path of the first validation error of an input, or undefined if it is valid. */
export function firstErrorPath(schema: z.ZodType, input: unknown): string | undefined {
  return validationErrors(schema, input)[0]?.path;
}

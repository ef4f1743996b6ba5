/** Updates that fit the schema, to be spoilt one thing at a time, and what a schema makes of an input. */
import type { z } from 'zod';

const origin = { counter: 1, timestamp: 1_700_000_000_000 };
export const put = { ...origin, kind: 'particle.put', id: 'star-1' };
export const remove = { ...origin, kind: 'particle.remove', id: 'star-1' };
export const cells = { ...origin, kind: 'cells.set', cells: [{ x: 0, y: 29, value: 0.5 }] };
export const event = { ...origin, kind: 'event', type: 'bloom' };

/** As it comes over the wire: JSON knows no undefined, and reads 1e400 as infinity. */
export const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export interface Refusal {
  readonly path: string;
  readonly message: string;
}

/** Why an input is refused; empty when it is not. */
export function refusals(schema: z.ZodType, input: unknown): Refusal[] {
  const { error } = schema.safeParse(input);
  return (error?.issues ?? []).map(({ path, message }) => ({ path: path.map(String).join('/'), message }));
}

/** Where an input is refused; undefined when it is not. */
export function refusedAt(schema: z.ZodType, input: unknown): string | undefined {
  return refusals(schema, input)[0]?.path;
}

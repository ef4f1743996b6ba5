/** Schemas of path and query parameters, and the responses that every route can have. */
import { z } from 'zod';
import { cursorSchema, deviceIdSchema, fieldIdSchema } from '../../shared/contract/ids.ts';
import { problemSchema } from '../../shared/contract/problem.ts';
import { regionSchema } from '../../shared/contract/stream.ts';
import { fieldPatternSchema } from '../../shared/contract/token.ts';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { changeCursorSchema } from '../../shared/exchange/change-cursor.ts';
import { updateKinds } from '../../shared/field/update.ts';

/** Query parameters are strings. */
const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

const pageSize = (max: number, ofPage = max) =>
  wholeNumber.refine((limit) => limit >= 1 && limit <= max, `must be 1 to ${max}`).default(ofPage);

const number = '-?(\\d+\\.?\\d*|\\.\\d+)(e[-+]?\\d{1,3})?';
const regionPattern = new RegExp(`^${number}(,${number}){3}$`, 'i');

/** `x0,y0,x1,y1` */
const regionParameter = z
  .string()
  .max(200)
  .regex(regionPattern, { error: 'must be four numbers: x0,y0,x1,y1', abort: true })
  .transform((text) => {
    const [x0, y0, x1, y1] = text.split(',').map(Number);
    return { x0, y0, x1, y1 };
  })
  .pipe(regionSchema)
  .meta({
    description: 'A part of the field, in grid units: `x0,y0,x1,y1`; the upper edges are excluded.',
    example: '0,0,10,10',
  });

export const fieldParams = z.object({ field: fieldIdSchema });
export const receiptParams = z.object({
  field: fieldIdSchema,
  device: deviceIdSchema,
  counter: wholeNumber.refine((counter) => counter >= 1, 'must be at least 1'),
});
export const stateQuery = z.object({
  view: z.enum(['full', 'summary']).default('full'),
  at: wholeNumber.optional(),
  region: regionParameter.optional(),
});
export const logQuery = z.object({
  after: z.union([wholeNumber, cursorSchema]).default(0),
  limit: pageSize(1000, 100),
});
export const exportQuery = z.object({ after: cursorSchema.optional() });
/** A parameter that may be repeated. */
const repeated = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(item).min(1).max(100));
export const changesQuery = z.object({
  after: changeCursorSchema.optional().meta({ description: 'The `next` of the last line that was processed.' }),
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
  field: repeated(fieldPatternSchema).default(['*']).meta({
    description: 'Only these fields: ids or patterns such as `team-*`.',
  }),
  kind: repeated(z.enum(updateKinds)).optional().meta({
    description: 'Only updates of these kinds. Erasures are always sent.',
  }),
});
export const fieldsQuery = z.object({ after: fieldIdSchema.optional(), limit: pageSize(100) });
export const clockQuery = z.object({
  device: deviceIdSchema.optional(),
  after: deviceIdSchema.optional(),
  limit: pageSize(1000),
});

/** A version and a cell, as `formatConflictPlace` writes them. */
const conflictPlace = z
  .string()
  .max(1000)
  .transform((text, context) => {
    const [, version, cell] = /^(\d{1,15})\/(.+)$/su.exec(text) ?? [];
    if (version && cell?.isWellFormed() && !cell.includes('\u0000')) return { version: Number(version), cell };
    context.addIssue({ code: 'custom', message: 'must be the `next` of a page of conflicts' });
    return z.NEVER;
  });
export const conflictsQuery = z.object({ before: conflictPlace.optional(), limit: pageSize(maxKeptConflicts) });

export function formatConflictPlace({ version, cell }: { readonly version: number; readonly cell: string }): string {
  return `${version}/${cell}`;
}

export const presenceQuery = z.object({ region: regionParameter.optional() });
export const streamQuery = z.object({ after: cursorSchema.optional(), region: regionParameter.optional() });
export type StreamQuery = z.infer<typeof streamQuery>;

const problem = {
  description: 'A problem; `type` points to its documentation',
  content: { 'application/problem+json': { schema: problemSchema } },
};
export const problems = { '4xx': problem, '5xx': problem } as const;

export const bearer = [{ bearer: [] }];

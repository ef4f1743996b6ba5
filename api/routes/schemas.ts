/** Schemas of path and query parameters, and the responses that every route can have. */
import { z } from 'zod';
import { cursorSchema, deviceIdSchema, fieldIdSchema } from '../../shared/contract/ids.ts';
import { problemSchema } from '../../shared/contract/problem.ts';

/** Query parameters are strings. */
const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

export const fieldParams = z.object({ field: fieldIdSchema });
export const receiptParams = z.object({
  field: fieldIdSchema,
  device: deviceIdSchema,
  counter: wholeNumber.refine((counter) => counter >= 1, 'must be at least 1'),
});
export const stateQuery = z.object({ view: z.enum(['full', 'summary']).default('full'), at: wholeNumber.optional() });
export const logQuery = z.object({
  after: z.union([wholeNumber, cursorSchema]).default(0),
  limit: wholeNumber.refine((limit) => limit >= 1 && limit <= 1000, 'must be 1 to 1000').default(100),
});
export const clockQuery = z.object({ device: deviceIdSchema.optional() });
export const streamQuery = z.object({ after: cursorSchema.optional() });

const problem = {
  description: 'A problem; `type` points to its documentation',
  content: { 'application/problem+json': { schema: problemSchema } },
};
export const problems = { '4xx': problem, '5xx': problem } as const;

export const bearer = [{ bearer: [] }];

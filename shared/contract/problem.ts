/** The one shape of every error answer: RFC 9457 problem details with a stable `code`. */
import { z } from 'zod';
import { type ErrorCode, errorTable, type FieldError } from '../errors.ts';

const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes),
    detail: z.string().optional(),
    /** In seconds, as in the header: messages have none. */
    retryAfter: z.int().min(0).optional(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export function toProblem(error: FieldError): Problem {
  const { status, title } = errorTable[error.code];
  return {
    type: `urn:consciousness-field:problem:${error.code}`,
    title,
    status,
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfter: error.retryAfterSeconds }),
    ...(error.errors === undefined ? {} : { errors: error.errors.map(({ path, message }) => ({ path, message })) }),
  };
}

/** Zod's issues as the `errors` of a problem; a path is a JSON pointer below `prefix`. */
export function toInputErrors(error: z.ZodError, prefix = ''): { path: string; message: string }[] {
  return error.issues.slice(0, 20).map(({ path, message }) => ({
    path: [prefix, ...path.map(String)].join('/') || '/',
    message,
  }));
}

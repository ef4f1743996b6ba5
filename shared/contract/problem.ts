/** The shape of every error response: RFC 9457 problem details with a stable `code`. */
import { z } from 'zod';
import { errorCodes, errorTable, type FieldError } from '../errors.ts';

/** Relative to the API's address. Each code has an anchor on this page. */
export const errorDocsPath = '/docs/errors';

export const problemSchema = z
  .strictObject({
    /** A relative reference to the documentation of the code: `/docs/errors#<code>`. */
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes),
    detail: z.string().optional(),
    /** Seconds. The same as the header `Retry-After`, which stream messages do not have. */
    retryAfter: z.int().min(0).optional(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export function toProblem(error: FieldError): Problem {
  const { status, title } = errorTable[error.code];
  return {
    type: `${errorDocsPath}#${error.code}`,
    title,
    status,
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfter: error.retryAfterSeconds }),
    ...(error.errors === undefined ? {} : { errors: error.errors.map(({ path, message }) => ({ path, message })) }),
  };
}

const maxInputErrors = 20;

/** Zod's issues as the `errors` of a problem, at most 20; a path is a JSON pointer below `prefix`. */
export function toInputErrors(error: z.ZodError, prefix = ''): { path: string; message: string }[] {
  return error.issues.slice(0, maxInputErrors).map(({ path, message }) => ({
    path: [prefix, ...path.map(String)].join('/') || '/',
    message,
  }));
}

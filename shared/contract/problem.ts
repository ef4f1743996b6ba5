/** The shape of every error response: RFC 9457 problem details with a stable `code`. */
import { z } from 'zod';
import { errorCodes, errorTable, type FieldError, type InputError } from '../errors.ts';
import type { Problem } from './messages.ts';
import { schemaFor } from './schema-for.ts';

/** Relative to the API's address. Each code has an anchor on this page. */
export const errorDocsPath = '/docs/errors';

export const problemSchema = schemaFor<Problem>()(
  z
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
    .meta({ id: 'Problem' }),
);

/** @param prefix the path below which the API is reached */
export function toProblem(error: FieldError, prefix = ''): Problem {
  const { status, title } = errorTable[error.code];
  return {
    type: `${prefix}${errorDocsPath}#${error.code}`,
    title,
    status,
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: shorten(error.detail, maxDetailLength) }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfter: error.retryAfterSeconds }),
    ...(error.errors === undefined ? {} : { errors: error.errors.map(({ path, message }) => ({ path, message })) }),
  };
}

export const maxInputErrors = 20;
/** In characters. These texts may repeat input of the client, such as a key, so their length is limited. */
const maxDetailLength = 300;
const maxMessageLength = 200;
const maxPathLength = 200;
const maxSegmentLength = 40;
const maxNamedKeys = 5;

/** Zod's issues as the `errors` of a problem, at most 20; a path is a JSON pointer below `prefix`. */
export function toInputErrors(error: z.ZodError, prefix = ''): InputError[] {
  return error.issues.slice(0, maxInputErrors).map((issue) => {
    const segments = issue.path.map((segment) => shorten(String(segment), maxSegmentLength));
    const path = shorten([prefix, ...segments].join('/') || '/', maxPathLength);
    return { path, message: shorten(describeIssue(issue), maxMessageLength) };
  });
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const named = issue.keys.slice(0, maxNamedKeys).map((key) => JSON.stringify(shorten(key, maxSegmentLength)));
  const others = issue.keys.length - named.length;
  return `Unrecognized keys: ${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

/** Truncates a text without splitting a character. */
function shorten(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).toWellFormed()}…`;
}

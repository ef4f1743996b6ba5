/** Which dead letters an operator means: from a query string, or from the form that confirms an action. */
import { z } from 'zod';
import { type DeadLetterFilter, deadLetterIdPattern } from '../../../shared/queue/dead-letters.ts';
import { formatShape, integer, optional, searchedText, timeShape, toTimeRange } from '../pages/query.ts';

/** Malformed jobs can contain any text as an id, so the filters do not have to be valid ids. */
const filterShape = {
  id: optional(z.string().regex(deadLetterIdPattern, 'must be the id of a dead letter, such as 17 or p17')),
  field: optional(searchedText),
  device: optional(searchedText),
  user: optional(searchedText),
  request: optional(searchedText),
  reason: optional(searchedText),
  ...timeShape,
};

export const deadLettersQuerySchema = z.strictObject({
  ...filterShape,
  /** The action that was just performed, for a notice. */
  done: optional(z.enum(['retry', 'discard'])),
  count: optional(integer(0, 1_000_000)),
  ...formatShape,
});
export type DeadLettersQuery = z.output<typeof deadLettersQuerySchema>;

/** `expected` and `before` come from the confirmation, so that only dead letters that were counted there are changed. */
export const deadLettersActionSchema = z.strictObject({
  ...filterShape,
  /** How many were confirmed. */
  expected: integer(0, 1_000_000),
  /** Only those that failed before this time, in ms since the epoch. */
  before: integer(0, Number.MAX_SAFE_INTEGER),
  ...formatShape,
});
export type DeadLettersActionQuery = z.output<typeof deadLettersActionSchema>;

export function toDeadLetterFilter(query: DeadLettersQuery | DeadLettersActionQuery): DeadLetterFilter {
  const { id, field, device, user, request, reason } = query;
  const { since, until = Number.POSITIVE_INFINITY } = toTimeRange(query);
  const before = 'before' in query ? query.before : Number.POSITIVE_INFINITY;
  return { id, field, device, user, request, reason, sinceMs: since, untilMs: Math.min(until, before) };
}

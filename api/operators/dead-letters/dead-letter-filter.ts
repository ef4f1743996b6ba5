/** Which dead letters an operator means: from a query string, or from the form that confirms an action. */
import { z } from 'zod';
import type { DeadLetterFilter } from '../../../shared/queue/dead-letters.ts';
import { formatShape, integer, optional, searchedText, timeShape, toTimeRange } from '../pages/query.ts';

/** Malformed jobs can name any field, so the texts have no patterns. */
const filterShape = {
  id: optional(z.string().regex(/^(p|\d{1,3}-)?\d{1,15}$/, 'must be the id of a dead letter, such as 17 or p17')),
  field: optional(searchedText),
  device: optional(searchedText),
  user: optional(searchedText),
  request: optional(searchedText),
  reason: optional(searchedText),
  ...timeShape,
};

export const deadLettersQuerySchema = z.strictObject({
  ...filterShape,
  /** What was done before, for a notice. */
  done: optional(z.enum(['retry', 'discard'])),
  count: optional(integer(0, 1_000_000)),
  ...formatShape,
});
export type DeadLettersQuery = z.output<typeof deadLettersQuerySchema>;

/** `expected` and `before` are of the confirmation: nothing is changed that was not counted there. */
export const deadLettersActionSchema = z.strictObject({
  ...filterShape,
  /** How many were confirmed. */
  expected: integer(0, 1_000_000),
  /** Only what has failed before, in ms since the epoch. */
  before: integer(0, Number.MAX_SAFE_INTEGER),
  ...formatShape,
});
export type DeadLettersActionQuery = z.output<typeof deadLettersActionSchema>;

export function toDeadLetterFilter(query: DeadLettersQuery | DeadLettersActionQuery): DeadLetterFilter {
  const { id, field, device, user, request, reason } = query;
  const { since, until = Number.POSITIVE_INFINITY } = toTimeRange(query);
  const before = 'before' in query ? query.before : Number.POSITIVE_INFINITY;
  return { id, field, device, user, request, reason, since, until: Math.min(until, before) };
}

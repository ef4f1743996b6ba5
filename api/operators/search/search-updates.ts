/** Searches the logs for operators: validates the filter, and bounds rows, time and the number of searches at once. */
import { z } from 'zod';
import {
  type FoundUpdate,
  isSearchTimeout,
  type LogPosition,
  type LogSearch,
} from '../../../db/read/log/search-log.ts';
import { deviceIdSchema, fieldIdSchema } from '../../../shared/contract/ids.ts';
import { FieldError } from '../../../shared/errors.ts';
import { foldOutcomes } from '../../../shared/field/fold.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';
import { formatShape, integer, optional, searchedText, timeShape, toTimeRange } from '../pages/query.ts';

export const updateKinds = [
  'cells.set',
  'particle.put',
  'particle.remove',
  'event',
] as const satisfies Update['kind'][];
const maxLimit = 500;
const pageSize = 50;
/** Each search can read all logs for as long as the statement timeout allows. */
const maxSearches = 2;

/** Where a page ends, as `time:field:version`. */
const positionSchema = z
  .string()
  .regex(/^\d{1,15}:[a-z0-9_-]{1,64}:\d{1,15}$/, 'is not a position')
  .transform((text): LogPosition => {
    const [time, field, version] = text.split(':');
    return { time: Number(time), field: field as FieldId, version: Number(version) };
  });

export const updatesFilterSchema = z.strictObject({
  field: optional(z.string().trim().pipe(fieldIdSchema)),
  device: optional(z.string().trim().pipe(deviceIdSchema)),
  counter: optional(integer(1, Number.MAX_SAFE_INTEGER)),
  user: optional(searchedText),
  kind: optional(z.enum(updateKinds)),
  outcome: optional(z.enum(foldOutcomes)),
  ...timeShape,
  after: optional(positionSchema),
  limit: optional(integer(1, maxLimit)),
  ...formatShape,
});
export type UpdatesFilter = z.output<typeof updatesFilterSchema>;

export interface FoundUpdates {
  readonly entries: readonly FoundUpdate[];
  /** The value of `after` that continues the search; null at its end. */
  readonly next: string | null;
}

export type SearchUpdates = (filter: UpdatesFilter) => Promise<FoundUpdates>;

/** @returns a search that throws FieldError `rate_limited` if too many are running, `database_unavailable` if PostgreSQL is too slow */
export function createUpdatesSearch(searchLog: (search: LogSearch) => Promise<FoundUpdate[]>): SearchUpdates {
  let running = 0;
  return async (filter) => {
    const { within, from, to, format, limit = pageSize, ...search } = filter;
    if (running >= maxSearches)
      throw new FieldError('rate_limited', { detail: 'Other searches are running', retryAfterSeconds: 2 });
    running += 1;
    try {
      const entries = await searchLog({ ...search, ...toTimeRange(filter), limit });
      const last = entries.length === limit ? entries.at(-1) : undefined;
      return { entries, next: last ? `${last.time}:${last.field}:${last.version}` : null };
    } catch (cause) {
      if (!isSearchTimeout(cause)) throw cause;
      const detail = 'The search took too long: without a field or a device, it reads the logs of all fields';
      throw new FieldError('database_unavailable', { detail, retryAfterSeconds: 5, cause });
    } finally {
      running -= 1;
    }
  };
}

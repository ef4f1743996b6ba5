/** Refuses to read a log from a place that it does not have. */
import type { FieldReader, LogPage } from '../../db/read/field-reader.ts';
import { FieldError } from '../../shared/errors.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { queryOrUnavailable } from '../state/state-reader.ts';

interface LogPlace {
  readonly field: FieldId;
  readonly after: Cursor | number;
}

/**
 * @param page a page of the log
 * @throws FieldError `version_not_kept` if the log begins after the place, `cursor_unknown` if it does not have the cursor
 */
export async function assertLogReaches(
  reader: Pick<FieldReader, 'hasCursor'>,
  { logStart }: LogPage,
  { field, after }: LogPlace,
): Promise<void> {
  const version = typeof after === 'string' ? versionOf(after) : after;
  if (version < logStart) {
    throw new FieldError('version_not_kept', { detail: `The log has only the entries after version ${logStart}` });
  }
  if (typeof after === 'string' && !(await queryOrUnavailable(() => reader.hasCursor(field, after)))) {
    throw new FieldError('cursor_unknown');
  }
}

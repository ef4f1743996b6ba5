/** Asks the server whether the log of the field has a cursor. */
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import { type HttpRequest, RequestError, type SendFieldRequest } from './http.ts';

/** The field is gone, has another history, or its log is not kept that far back, so that nobody can tell. */
const unknownCodes: readonly string[] = ['field_not_found', 'cursor_unknown', 'version_not_kept'];

/** @throws RequestError when the server does not say */
export async function isInLog(
  cursor: Cursor,
  sendRequest: SendFieldRequest,
  request: Pick<HttpRequest, 'token' | 'signal'>,
): Promise<boolean> {
  if (versionOf(cursor) === 0) return true;
  try {
    await sendRequest(`/updates?after=${cursor}&limit=1`, { ...request, expects: 'updates' });
    return true;
  } catch (error) {
    if (error instanceof RequestError && unknownCodes.includes(error.code)) return false;
    throw error;
  }
}

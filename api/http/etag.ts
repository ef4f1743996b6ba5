/** ETags of states (RFC 9110): the cursor in quotes. */
import type { Cursor } from '../../shared/field/cursor.ts';

export function formatEtag(cursor: Cursor): string {
  return `"${cursor}"`;
}

/** Whether `If-None-Match` contains the tag, by weak comparison (RFC 9110, section 13.1.2). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((candidate) => {
    const tag = candidate.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}

/**
 * A cursor names one state in one history of a field: `"<version>.<first 16 hex digits of the version's hash>"`. Two copies
 * of a field have the same history exactly when their cursors are equal. Versions alone can only be compared within one
 * history: a restored database, or a failover that has lost commits, assigns the same versions again.
 */

declare const brand: unique symbol;
export type Cursor = string & { readonly [brand]: 'Cursor' };

export const cursorPattern = /^(0|[1-9]\d{0,15})\.[0-9a-f]{16}$/;
/** How many hex digits of a hash a cursor has. */
const shownDigits = 16;

export function isCursor(text: string): text is Cursor {
  return cursorPattern.test(text) && Number.isSafeInteger(versionOf(text as Cursor));
}

/** @param hash of the version, at least its first 16 digits; ignored at version 0, where all cursors are equal */
export function formatCursor(version: number, hash: string): Cursor {
  return `${version}.${(version === 0 ? emptyHash : hash).slice(0, shownDigits)}` as Cursor;
}

export function versionOf(cursor: Cursor): number {
  return Number(cursor.slice(0, cursor.indexOf('.')));
}

/** The first 16 hex digits of the hash. */
export function hashPrefixOf(cursor: Cursor): string {
  return cursor.slice(cursor.indexOf('.') + 1);
}

/** The hash of a state that has no log yet. */
export const emptyHash = '0'.repeat(64);

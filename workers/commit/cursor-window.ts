/** The newest cursors of a field's log, so that what devices have seen is resolved without reading the log. */
import { type Cursor, formatCursor, versionOf } from '../../shared/field/cursor.ts';

const maxCursors = 1024;

export class CursorWindow {
  readonly #cursors = new Map<number, Cursor>();

  /** Adds the next version. */
  add(version: number, hash: string): void {
    this.#cursors.set(version, formatCursor(version, hash));
    this.#cursors.delete(version - maxCursors);
  }

  /** Whether the log has the cursor; undefined if it is older than the window. Version 0, the empty state, is in every log. */
  includes(cursor: Cursor): boolean | undefined {
    const version = versionOf(cursor);
    if (version === 0) return true;
    const known = this.#cursors.get(version);
    if (known !== undefined) return known === cursor;
    const [oldest] = this.#cursors.keys();
    return oldest === undefined || version < oldest ? undefined : false;
  }

  get size(): number {
    return this.#cursors.size;
  }
}

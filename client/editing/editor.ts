/** Edits with undo and redo, and what an app needs to repair an edit. Loaded only by apps that import it. */

import type { CellValue, FieldClient, FieldConflict, OutboxEntry, ParticleInput } from '../types.ts';
import { type Edit, findParticle, invert, readCells, readParticle, toApplicable } from './edit.ts';

/** The edits that can be undone. */
const maxEdits = 100;
/** What a particle's content may have. */
export const maxContentLength = 2000;

/**
 * Edits that can be undone: use it in place of the client's own functions. Undoing is an edit as well, with the values from before;
 * what others have changed since is left as it is.
 */
export interface FieldEditor {
  putParticle(id: string, attributes: ParticleInput): OutboxEntry;
  removeParticle(id: string): OutboxEntry;
  setCells(cells: readonly CellValue[]): OutboxEntry;
  /** Sets the text of a particle, cut off at 2,000 characters. */
  setText(id: string, text: string): OutboxEntry;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** @returns undefined if nothing could be undone, because others have changed it since */
  undo(): OutboxEntry | undefined;
  redo(): OutboxEntry | undefined;
  /** Writes the value again that this device lost in a conflict. @returns undefined if neither side was this device's */
  restoreMine(conflict: FieldConflict): OutboxEntry | undefined;
  /** Sends a refused update again as it is made by `edit`, and removes the refused one. */
  replaceRefused(entry: OutboxEntry, edit: (editor: FieldEditor) => OutboxEntry): OutboxEntry;
}

export function createEditor(client: FieldClient): FieldEditor {
  let undoable: readonly Edit[] = [];
  let redoable: readonly Edit[] = [];

  const apply = (edit: Edit): OutboxEntry => {
    if (edit.kind === 'cells') return client.setCells(edit.after);
    return edit.after ? client.putParticle(edit.id, edit.after) : client.removeParticle(edit.id);
  };
  const record = (edit: Edit, entry: OutboxEntry): OutboxEntry => {
    undoable = [...undoable, edit].slice(-maxEdits);
    redoable = [];
    return entry;
  };
  const editParticle = (id: string, write: () => OutboxEntry): OutboxEntry => {
    const before = readParticle(client.state, id);
    const entry = write();
    const after = readParticle(client.state, id);
    return before || after ? record({ kind: 'particle', id, before, after }, entry) : entry;
  };
  /** Takes the newest edit that is not void by now from a list, and applies its reverse. */
  const step = (from: readonly Edit[]): { rest: readonly Edit[]; reversed?: Edit; entry?: OutboxEntry } => {
    for (let last = from.length - 1; last >= 0; last--) {
      const edit = from[last];
      const reversed = edit && toApplicable(invert(edit), client.state, client.deviceId);
      if (reversed) return { rest: from.slice(0, last), reversed, entry: apply(reversed) };
    }
    return { rest: [] };
  };

  const editor: FieldEditor = {
    putParticle: (id, attributes) => editParticle(id, () => client.putParticle(id, attributes)),
    removeParticle: (id) => editParticle(id, () => client.removeParticle(id)),
    setCells(cells) {
      const before = readCells(client.state, cells);
      const entry = client.setCells(cells);
      return record({ kind: 'cells', before, after: readCells(client.state, cells) }, entry);
    },
    setText: (id, text) => editor.putParticle(id, { content: cutText(text) }),
    get canUndo() {
      return undoable.length > 0;
    },
    get canRedo() {
      return redoable.length > 0;
    },
    undo() {
      const { rest, reversed, entry } = step(undoable);
      undoable = rest;
      if (reversed) redoable = [...redoable, reversed];
      return entry;
    },
    redo() {
      const { rest, reversed, entry } = step(redoable);
      redoable = rest;
      if (reversed) undoable = [...undoable, reversed];
      return entry;
    },
    restoreMine(conflict) {
      if (!conflict.own) return undefined;
      const { value } = conflict[conflict.own];
      if (typeof value === 'number') {
        const [x = 0, y = 0] = conflict.cell.split(',').map(Number);
        return editor.setCells([{ x, y, value }]);
      }
      const id = conflict.cell.slice('particle/'.length);
      if (value) return editor.putParticle(id, value);
      return findParticle(client.state, id) ? editor.removeParticle(id) : undefined;
    },
    replaceRefused(entry, edit) {
      const replacement = edit(editor);
      client.discard(entry);
      return replacement;
    },
  };
  return editor;
}

/** The beginning of a text that fits into a particle, without half of a character at its end. */
export function cutText(text: string): string {
  if (text.length <= maxContentLength) return text;
  const cut = text.slice(0, maxContentLength);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** Edits with undo and redo, and the repair of edits that lost a conflict or were refused. Loaded only by apps that import it. */

import { maxCellsPerUpdate, maxContentLength } from '../../shared/contract/wire.ts';
import type { CellValue, FieldClient, FieldConflict, OutboxEntry, ParticleInput } from '../types.ts';
import { type Edit, findParticle, invert, isOutOfSight, readCells, readParticle, toApplicable } from './edit.ts';

/** How many steps can be undone. */
const maxSteps = 100;

/** The maximal length of a particle's content, in UTF-16 code units. */
export { maxContentLength };

/**
 * Edits that can be undone: use it in place of the client's own methods. Undoing is an edit that writes the previous values,
 * except for what others have changed since.
 */
export interface FieldEditor {
  putParticle(id: string, attributes: ParticleInput): OutboxEntry;
  removeParticle(id: string): OutboxEntry;
  setCells(cells: readonly CellValue[]): OutboxEntry;
  /** Sets the text of a particle, cut off at 2,000 characters. */
  setText(id: string, text: string): OutboxEntry;
  /**
   * Begins a step: the edits that follow, such as the parts of a stroke, are undone and redone together.
   * @returns a function that ends the step
   */
  beginStep(): () => void;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /**
   * @returns the last update of the step; undefined if nothing could be undone, because others have changed it since, or because it is
   * outside the watched region. In the latter case it can be undone while the whole field is watched
   */
  undo(): OutboxEntry | undefined;
  redo(): OutboxEntry | undefined;
  /** Writes this device's side of a conflict again. @returns undefined if neither side was this device's, or nothing has to be written */
  restoreMine(conflict: FieldConflict): OutboxEntry | undefined;
  /** Replaces a refused update by the edit that `edit` makes. */
  replaceRefused(entry: OutboxEntry, edit: (editor: FieldEditor) => OutboxEntry): OutboxEntry;
}

/** The edits of a step, in order. */
type Step = readonly Edit[];

export function createEditor(client: FieldClient): FieldEditor {
  let undoable: readonly Step[] = [];
  let redoable: readonly Step[] = [];
  /** Steps that have begun and not ended. */
  let openSteps = 0;
  /** Whether the next edit belongs to the last step. */
  let isContinuing = false;

  const apply = (edit: Edit): OutboxEntry => {
    if (edit.kind === 'cells') return client.setCells(edit.after);
    return edit.after ? client.putParticle(edit.id, edit.after) : client.removeParticle(edit.id);
  };
  const record = (edit: Edit, entry: OutboxEntry): OutboxEntry => {
    const last = isContinuing ? (undoable.at(-1) ?? []) : [];
    undoable = [...(isContinuing ? undoable.slice(0, -1) : undoable), addToStep(last, edit)].slice(-maxSteps);
    isContinuing = openSteps > 0;
    redoable = [];
    return entry;
  };
  const editParticle = (id: string, write: () => OutboxEntry): OutboxEntry => {
    const before = readParticle(client.state, id);
    const entry = write();
    const after = readParticle(client.state, id);
    return before || after ? record({ kind: 'particle', id, before, after }, entry) : entry;
  };
  /** Removes the newest step that still has an effect from a list, and applies its reverse. */
  const takeStep = (from: readonly Step[]): { rest: readonly Step[]; reversed: Step; entry?: OutboxEntry } => {
    isContinuing = false;
    for (let last = from.length - 1; last >= 0; last--) {
      if (from[last]?.some((edit) => isOutOfSight(invert(edit), client.state)))
        return { rest: from.slice(0, last + 1), reversed: [] };
      const reversed: Edit[] = [];
      let entry: OutboxEntry | undefined;
      for (const edit of [...(from[last] ?? [])].reverse()) {
        const applicable = toApplicable(invert(edit), client.state, client.deviceId);
        if (!applicable) continue;
        entry = apply(applicable);
        reversed.push(applicable);
      }
      if (entry) return { rest: from.slice(0, last), reversed, entry };
    }
    return { rest: [], reversed: [] };
  };

  const editor: FieldEditor = {
    putParticle: (id, attributes) => editParticle(id, () => client.putParticle(id, attributes)),
    removeParticle: (id) => editParticle(id, () => client.removeParticle(id)),
    setCells(cells) {
      const before = readCells(client.state, cells);
      const entry = client.setCells(cells);
      return record({ kind: 'cells', before, after: readCells(client.state, cells) }, entry);
    },
    beginStep() {
      let isOpen = true;
      openSteps += 1;
      return () => {
        if (isOpen) openSteps -= 1;
        isOpen = false;
        if (openSteps === 0) isContinuing = false;
      };
    },
    setText: (id, text) => editor.putParticle(id, { content: cutText(text) }),
    get canUndo() {
      return undoable.length > 0;
    },
    get canRedo() {
      return redoable.length > 0;
    },
    undo() {
      const { rest, reversed, entry } = takeStep(undoable);
      undoable = rest;
      if (entry) redoable = [...redoable, reversed];
      return entry;
    },
    redo() {
      const { rest, reversed, entry } = takeStep(redoable);
      redoable = rest;
      if (entry) undoable = [...undoable, reversed];
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

/** Merges writes of cells into one edit, so that few updates undo a long stroke. */
function addToStep(step: Step, edit: Edit): Step {
  const last = step.at(-1);
  if (last?.kind !== 'cells' || edit.kind !== 'cells') return [...step, edit];
  const [before, after] = [new Map<string, CellValue>(), new Map<string, CellValue>()];
  for (const cell of [...edit.before, ...last.before]) before.set(`${cell.x},${cell.y}`, cell);
  for (const cell of [...last.after, ...edit.after]) after.set(`${cell.x},${cell.y}`, cell);
  if (after.size > maxCellsPerUpdate) return [...step, edit];
  const merged = [...after].map(([key, cell]) => [before.get(key) ?? cell, cell] as const);
  return [
    ...step.slice(0, -1),
    { kind: 'cells', before: merged.map(([cell]) => cell), after: merged.map(([, cell]) => cell) },
  ];
}

/** The longest prefix of a text that fits into a particle and does not split a character. */
export function cutText(text: string): string {
  if (text.length <= maxContentLength) return text;
  const cut = text.slice(0, maxContentLength);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

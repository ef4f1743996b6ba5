/** Undo and redo by buttons and by the usual keys. */
import type { FieldEditor } from '../../client/editing/editor.ts';
import { byId } from '../dom.ts';

export interface UndoDeps {
  readonly editor: Pick<FieldEditor, 'canUndo' | 'canRedo' | 'undo' | 'redo'>;
  readonly canEdit: () => boolean;
  readonly announce: (text: string) => void;
  /** Whether the state covers only a part of the field. */
  readonly isPartial: () => boolean;
}

/** @returns a function that shows whether there is something to undo or redo */
export function startUndo({ editor, canEdit, announce, isPartial }: UndoDeps): () => void {
  const undoButton = byId('undo', HTMLButtonElement);
  const redoButton = byId('redo', HTMLButtonElement);
  const show = () => {
    // `disabled` would take the focus from a button that was just pressed.
    undoButton.setAttribute('aria-disabled', String(!editor.canUndo));
    redoButton.setAttribute('aria-disabled', String(!editor.canRedo));
  };
  const explain = (text: string) => (isPartial() ? 'That change is not in view: press 0 to show everything' : text);
  const undo = () => {
    if (!canEdit()) return;
    announce(editor.undo() ? 'Undone' : explain('There is nothing to undo that others have not changed since'));
    show();
  };
  const redo = () => {
    if (!canEdit()) return;
    announce(editor.redo() ? 'Done again' : explain('There is nothing to do again'));
    show();
  };
  undoButton.addEventListener('click', undo);
  redoButton.addEventListener('click', redo);
  addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, shiftKey, altKey, target } = event;
    if (!(ctrlKey || metaKey) || altKey || target instanceof HTMLTextAreaElement) return;
    // Inputs have their own undo.
    if (target instanceof HTMLInputElement && !['radio', 'range'].includes(target.type)) return;
    if (document.querySelector('dialog:modal')) return;
    const isZ = key.toLowerCase() === 'z';
    if (!isZ && !(key === 'y' && !shiftKey)) return;
    event.preventDefault();
    if (isZ && !shiftKey) undo();
    else redo();
  });
  show();
  return show;
}

/** Asks for a token, where the server requires one. Loaded when it does. */
import { byId, setText } from '../dom.ts';
import { keep } from '../kept.ts';
import { stopViewing, tokenKey } from './token.ts';

export interface TokenDialog {
  /** Opens the dialog, unless the user has closed it before. @param reason the server's message */
  ask(reason: string): void;
}

/** The dialog for a token; submitting it stores the token and reloads the page. It can be closed, and opened by a button again. */
export function createTokenDialog(field: string): TokenDialog {
  const dialog = byId('entry', HTMLDialogElement);
  const input = byId('token', HTMLTextAreaElement);
  let wasClosed = false;
  const open = () => {
    if (!dialog.open) dialog.showModal();
  };
  dialog.addEventListener('close', () => {
    wasClosed = true;
  });
  byId('entry-cancel', HTMLButtonElement).addEventListener('click', () => dialog.close());
  byId('sign-in', HTMLButtonElement).addEventListener('click', open);
  byId('entry-form', HTMLFormElement).addEventListener('submit', () => {
    const token = input.value.trim();
    stopViewing(field);
    // Where the browser keeps nothing, the address takes it to the page that is loaded next.
    if (keep(tokenKey(), token)) location.reload();
    else location.hash = new URLSearchParams({ token }).toString();
  });
  return {
    ask(reason) {
      setText(byId('entry-reason', HTMLElement), reason);
      if (!wasClosed) open();
    },
  };
}

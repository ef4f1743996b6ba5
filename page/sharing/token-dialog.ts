/** Asks for a token if the server requires one. Loaded only then. */

import { saveValue } from '../browser-values.ts';
import { byId, setText } from '../dom.ts';
import { stopViewing, tokenKey } from './token.ts';

export interface TokenDialog {
  /** Opens the dialog, unless the user has closed it before. @param reason the server's message */
  ask(reason: string): void;
}

/** The dialog for a token; submitting it stores the token and reloads the page. It can be closed, and reopened by a button. */
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
    // If the browser cannot store it, the address passes it to the reloaded page.
    if (saveValue(tokenKey(), token)) location.reload();
    else location.hash = new URLSearchParams({ token }).toString();
  });
  return {
    ask(reason) {
      setText(byId('entry-reason', HTMLElement), reason);
      if (!wasClosed) open();
    },
  };
}

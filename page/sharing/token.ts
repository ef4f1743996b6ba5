/**
 * The access token. It is read from the address fragment, which is never sent to a server: `#token=` for the whole page, `#view=` for
 * watching one field. Without either, the one that was stored here or typed in, or none.
 */
import { byId, setText } from '../dom.ts';
import { storageKey } from './address.ts';

const tokenKey = () => storageKey('field.token');
const viewKey = (field: string) => storageKey(`field.view ${field}`);

export interface Access {
  readonly token: string | undefined;
  /** Whether the token is one of a link that lets others watch. */
  readonly isViewer: boolean;
}

/** Reads the token and takes it out of the address, so that neither the history nor a copied address contains it. */
export function readAccess(field: string): Access {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const [token, view] = [fragment.get('token')?.trim(), fragment.get('view')?.trim()];
  if (token) localStorage.setItem(tokenKey(), token);
  if (view) localStorage.setItem(viewKey(field), view);
  // Who opens a link with a full token means to use that.
  else if (token) stopViewing(field);
  if (token || view) history.replaceState(null, '', location.pathname + location.search);
  const stored = localStorage.getItem(viewKey(field));
  return { token: stored ?? localStorage.getItem(tokenKey()) ?? undefined, isViewer: stored !== null };
}

/** From the next load, this browser uses its own access to the field. */
export function stopViewing(field: string): void {
  localStorage.removeItem(viewKey(field));
}

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
    localStorage.setItem(tokenKey(), input.value.trim());
    stopViewing(field);
    location.reload();
  });
  return {
    ask(reason) {
      setText(byId('entry-reason', HTMLElement), reason);
      if (!wasClosed) open();
    },
  };
}

/** The token that somebody was given for this page: from `#token=`, which no server ever sees, or typed in. */
import { byId, setText } from './dom.ts';

const storageKey = 'field.token';

/** Takes the token out of the address, so that it is not shared along with it. */
export function readToken(): string | undefined {
  const tokenFromHash = new URLSearchParams(location.hash.slice(1)).get('token');
  if (tokenFromHash === null) return localStorage.getItem(storageKey) ?? undefined;
  localStorage.setItem(storageKey, tokenFromHash.trim());
  history.replaceState(null, '', location.pathname + location.search);
  return tokenFromHash.trim();
}

/** Asks for a token, and comes back with it by loading the page anew. */
export function askForToken(reason: string): void {
  const dialog = byId('entry', HTMLDialogElement);
  const input = byId('token', HTMLTextAreaElement);
  setText(byId('entry-reason', HTMLElement), reason);
  if (dialog.open) return;
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  byId('entry-form', HTMLFormElement).addEventListener('submit', () => {
    localStorage.setItem(storageKey, input.value.trim());
    location.reload();
  });
  dialog.showModal();
}

/** The access token: read from the address fragment `#token=`, which is never sent to a server, or typed in by the user. */
import { byId, setText } from './dom.ts';

const storageKey = 'field.token';

/** Reads the token and removes it from the address, so that sharing the link does not share the token. */
export function readToken(): string | undefined {
  const tokenFromHash = new URLSearchParams(location.hash.slice(1)).get('token');
  if (tokenFromHash === null) return localStorage.getItem(storageKey) ?? undefined;
  localStorage.setItem(storageKey, tokenFromHash.trim());
  history.replaceState(null, '', location.pathname + location.search);
  return tokenFromHash.trim();
}

/** Shows the token dialog; submitting it stores the token and reloads the page. */
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

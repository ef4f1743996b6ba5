/**
 * The access token. It is read from the address fragment, which is never sent to a server: `#token=` for the whole page, `#view=` for
 * watching one field. Without either, the one that was stored here or typed in, or none.
 */
import { forget, keep, readKept } from '../kept.ts';
import { storageKey } from './address.ts';

export const tokenKey = () => storageKey('field.token');
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
  if (token) keep(tokenKey(), token);
  if (view) keep(viewKey(field), view);
  // Who opens a link with a full token means to use that.
  else if (token) stopViewing(field);
  if (token || view) history.replaceState(null, '', location.pathname + location.search);
  const viewer = readKept(viewKey(field));
  return { token: viewer ?? readKept(tokenKey()), isViewer: viewer !== undefined };
}

/** From the next load, this browser uses its own access to the field. */
export function stopViewing(field: string): void {
  forget(viewKey(field));
}

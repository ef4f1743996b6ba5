/**
 * The access token. It is read from the address fragment, which is never sent to a server: `#token=` for the whole page, `#view=`
 * for watching one field. Without either, it is the token that was stored or typed in here, or none.
 */
import { readValue, removeValue, saveValue } from '../browser-values.ts';
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
  if (token) saveValue(tokenKey(), token);
  if (view) saveValue(viewKey(field), view);
  // A link with a full token replaces the viewer's token.
  else if (token) stopViewing(field);
  if (token || view) history.replaceState(null, '', location.pathname + location.search);
  const viewer = readValue(viewKey(field));
  return { token: viewer ?? readValue(tokenKey()), isViewer: viewer !== undefined };
}

/** Makes this browser use its own access to the field from the next load on. */
export function stopViewing(field: string): void {
  removeValue(viewKey(field));
}

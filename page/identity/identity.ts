/** The name and the colour that the user shows to others. Kept in this browser; others see them while this page is open. */

import { readValue, saveValue } from '../browser-values.ts';
import { byId, setText } from '../dom.ts';
import { loadPart } from '../load-part.ts';
import { storageKey } from '../sharing/address.ts';
import { colors, isColor } from './colors.ts';
import { type Identity, toName } from './name.ts';

const identityKey = () => storageKey('field.identity');

function readIdentity(): Identity {
  try {
    const { name, color } = JSON.parse(readValue(identityKey()) ?? '{}');
    if (isColor(color)) return { name: toName(name), color };
  } catch {
    // A damaged value counts as missing.
  }
  const [random = 0] = crypto.getRandomValues(new Uint8Array(1));
  const identity = { name: '', color: colors[random % colors.length] ?? 'teal' };
  saveValue(identityKey(), JSON.stringify(identity));
  return identity;
}

/** The button with the user's name, which opens the dialog. @param onChange called at once, and for each change */
export function startIdentity(onChange: (identity: Identity) => void): void {
  const show = (identity: Identity) => {
    setText(byId('my-label', HTMLElement), identity.name || 'You');
    byId('my-dot', HTMLElement).className = `person-dot ${identity.color}`;
    onChange(identity);
  };
  const save = (identity: Identity) => {
    saveValue(identityKey(), JSON.stringify(identity));
    show(identity);
  };
  let dialog: Promise<((identity: Identity) => void) | undefined> | undefined;
  byId('me', HTMLButtonElement).addEventListener('click', async () => {
    dialog ??= loadPart(() => import('./identity-dialog.ts')).then((part) => part?.createIdentityDialog(save));
    (await dialog)?.(readIdentity());
  });
  // Other tabs of this browser are the same person.
  addEventListener('storage', ({ key }) => {
    if (key === identityKey()) show(readIdentity());
  });
  show(readIdentity());
}

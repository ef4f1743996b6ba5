/** The sentence that introduces the page: shown on the first visit until it is dismissed, and again by the help button. */

import { readValue, saveValue } from '../browser-values.ts';
import { byId } from '../dom.ts';
import { storageKey } from '../sharing/address.ts';

const welcomedKey = () => storageKey('field.welcomed');

export function startWelcome(): void {
  const welcome = byId('welcome', HTMLElement);
  const helpButton = byId('help', HTMLButtonElement);
  const show = (isShown: boolean) => {
    welcome.hidden = !isShown;
    helpButton.setAttribute('aria-expanded', String(isShown));
  };
  const dismiss = () => {
    const hadFocus = welcome.contains(document.activeElement);
    saveValue(welcomedKey(), 'yes');
    show(false);
    if (hadFocus) helpButton.focus();
  };
  byId('welcome-close', HTMLButtonElement).addEventListener('click', dismiss);
  helpButton.addEventListener('click', () => (welcome.hidden ? show(true) : dismiss()));
  welcome.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') dismiss();
  });
  show(readValue(welcomedKey()) === undefined);
}

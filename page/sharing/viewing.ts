/** The page of a viewer who watches by a link: a notice in place of the tools, and a dialog when the link has expired. */
import { byId, createElement } from '../dom.ts';
import { stopViewing } from './token.ts';

/** Replaces the tools by a notice. The field and its history stay visible. */
export function showViewing(field: string): void {
  const button = createLeaveButton(field, 'quiet', 'Use my own access');
  const text = createElement('p', { text: 'You are watching this field. The link does not allow changes.' });
  const tools = byId('tools', HTMLElement);
  tools.hidden = true;
  tools.before(createElement('div', { className: 'viewing' }, text, button));
}

/** Can be closed, since the state that this browser has is still shown. @param reason the server's message */
export function showEndOfView(field: string, reason: string): void {
  // Shown once, even if it was closed: the server repeats the reason with each attempt to connect.
  if (document.getElementById('view-ended')) return;
  const heading = createElement('h2', { text: 'This link does not work any more' });
  heading.id = 'view-ended';
  const dialog = createElement(
    'dialog',
    {},
    createElement(
      'form',
      {},
      heading,
      createElement('p', { text: `${reason}. Ask for a new link, or go on without one.` }),
    ),
  );
  const close = createElement('button', { className: 'quiet', text: 'Not now' });
  close.type = 'button';
  close.addEventListener('click', () => dialog.close());
  const buttons = createElement('p', { className: 'card-buttons' });
  buttons.append(createLeaveButton(field, 'solid', 'Go on without the link'), close);
  dialog.querySelector('form')?.append(buttons);
  dialog.setAttribute('aria-labelledby', heading.id);
  document.body.append(dialog);
  dialog.showModal();
}

function createLeaveButton(field: string, className: string, text: string): HTMLButtonElement {
  const button = createElement('button', { className, text });
  button.type = 'button';
  button.addEventListener('click', () => {
    stopViewing(field);
    location.reload();
  });
  return button;
}

/** A dialog that is created when it is opened, and removed when it is closed: by Escape, its button or a click beside it. */
import { createElement } from '../dom.ts';

export function createDialog(name: string, title: string) {
  const heading = createElement('h2', { text: title });
  heading.id = `${name}-heading`;
  const close = createElement('button', { className: 'quiet close', text: 'Close' });
  close.type = 'button';
  const content = createElement('div', { className: `${name}-content` });
  const dialog = createElement(
    'dialog',
    { className: `panel ${name}` },
    createElement('header', {}, heading, close),
    content,
  );
  dialog.setAttribute('aria-labelledby', heading.id);
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  return { dialog, content };
}

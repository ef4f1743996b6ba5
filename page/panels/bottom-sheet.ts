/** The readings column: scrollable by keyboard, and a sheet that opens and closes on narrow screens. */
import { byId } from '../dom.ts';

export function startBottomSheet(): void {
  const button = byId('details', HTMLButtonElement);
  const sheet = byId('readings', HTMLElement);
  sheet.tabIndex = 0;
  const setOpen = (isOpen: boolean) => {
    sheet.classList.toggle('open', isOpen);
    button.setAttribute('aria-expanded', String(isOpen));
  };
  button.addEventListener('click', () => setOpen(!sheet.classList.contains('open')));
  byId('field', HTMLCanvasElement).addEventListener('pointerdown', () => setOpen(false));
  addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || !sheet.classList.contains('open')) return;
    setOpen(false);
    button.focus();
  });
}

/** The readings, and on low screens the tools, as sheets that open and close where space is short. Scrollable by keyboard. */
import { byId } from '../dom.ts';

export function startBottomSheets(): void {
  const readings = createSheet('details', 'readings');
  const tools = createSheet('show-tools', 'foot');
  readings.sheet.tabIndex = 0;
  const sheets = [readings, tools];
  for (const { button, sheet, setOpen } of sheets) {
    button.addEventListener('click', () => {
      const isOpen = !sheet.classList.contains('open');
      for (const other of sheets) other.setOpen(false);
      setOpen(isOpen);
    });
  }
  byId('field', HTMLCanvasElement).addEventListener('pointerdown', () => {
    for (const { setOpen } of sheets) setOpen(false);
  });
  addEventListener('keydown', ({ key }) => {
    const open = sheets.find(({ sheet }) => sheet.classList.contains('open'));
    if (key !== 'Escape' || !open) return;
    open.setOpen(false);
    open.button.focus();
  });
}

function createSheet(buttonId: string, sheetId: string) {
  const button = byId(buttonId, HTMLButtonElement);
  const sheet = byId(sheetId, HTMLElement);
  const setOpen = (isOpen: boolean) => {
    sheet.classList.toggle('open', isOpen);
    button.setAttribute('aria-expanded', String(isOpen));
  };
  return { button, sheet, setOpen };
}

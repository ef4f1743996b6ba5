/** The menu of exports. The code of each kind is loaded when it is chosen. */
import { byId, setText } from '../dom.ts';
import type { ExportSource } from './export-source.ts';

interface SaveMenuDeps extends ExportSource {
  readonly onError: (message: string) => void;
}

export function startSaveMenu({ onError, ...source }: SaveMenuDeps): void {
  const menu = byId('save-menu', HTMLDialogElement);
  const button = byId('save', HTMLButtonElement);
  /** Ends the recording of a film, while there is one. */
  let stopFilm: (() => void) | undefined;
  const showProgress = (text: string) => setText(button, text);
  const run = async (kind: string) => {
    if (kind === 'picture') await (await import('./picture.ts')).savePicture(source);
    if (kind === 'state') await (await import('./data.ts')).saveState(source);
    if (kind === 'log') await (await import('./data.ts')).saveLog(source, showProgress);
    if (kind !== 'film') return;
    const { recordFilm } = await import('./film.ts');
    await recordFilm(source, {
      onStart: (stop) => {
        stopFilm = stop;
      },
      onTime: (seconds) => showProgress(`■ Stop ${seconds} s`),
    });
  };
  // While a film is recorded, the button that opens the menu stops it.
  button.addEventListener('click', (event) => {
    if (!stopFilm) return;
    event.preventDefault();
    stopFilm();
  });
  menu.addEventListener('click', async ({ target }) => {
    const kind = target instanceof HTMLElement ? target.dataset.save : undefined;
    if (!kind) return;
    menu.hidePopover();
    try {
      await run(kind);
    } catch (error) {
      onError(`Saving failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    stopFilm = undefined;
    showProgress('Save');
  });
}

/** The buttons that change the view, and the minimap beside them. */
import { createElement } from '../dom.ts';
import type { Viewport } from '../viewport/viewport.ts';
import { Minimap } from './minimap.ts';

const buttonFactor = 1.6;

interface ViewControlsDeps {
  readonly stage: HTMLElement;
  readonly viewport: Viewport;
  readonly gridSize: number;
  readonly announce: (text: string) => void;
}

/** Adds the controls to the stage. @returns the minimap, which is drawn with the frames */
export function addViewControls({ stage, viewport, gridSize, announce }: ViewControlsDeps): Minimap {
  const canvas = createElement('canvas', { className: 'minimap' });
  canvas.setAttribute('aria-hidden', 'true');
  canvas.hidden = true;
  const describe = () =>
    announce(viewport.isEverythingVisible ? 'Everything is shown' : `Zoom ${viewport.zoom.toFixed(1)}`);
  const zoomIn = createButton('+', 'Zoom in', () => viewport.zoomBy(buttonFactor));
  const zoomOut = createButton('−', 'Zoom out', () => viewport.zoomBy(1 / buttonFactor));
  const showAll = createButton('All', 'All: show everything', () => viewport.showEverything());
  const buttons = createElement('div', { className: 'view-buttons' }, zoomIn, zoomOut, showAll);
  buttons.setAttribute('role', 'group');
  buttons.setAttribute('aria-label', 'View');
  buttons.addEventListener('click', describe);
  stage.append(createElement('div', { className: 'view-controls' }, canvas, buttons));
  const showState = () => {
    // `aria-disabled` instead of `disabled`, which would move the focus away from a button that was just pressed.
    const isEverything = String(viewport.isEverythingVisible);
    zoomOut.setAttribute('aria-disabled', isEverything);
    showAll.setAttribute('aria-disabled', isEverything);
  };
  viewport.onChange(showState);
  showState();
  return new Minimap(canvas, viewport, gridSize);
}

function createButton(text: string, label: string, onClick: () => void): HTMLButtonElement {
  const button = createElement('button', { className: 'view-button', text });
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.addEventListener('click', onClick);
  return button;
}

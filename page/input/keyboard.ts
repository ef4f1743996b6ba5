/** Keyboard access to the field: a grid cursor that applies the tools and announces its position to screen readers. */

import type { FieldCanvas } from '../canvas/field-canvas.ts';
import { cellCenter, type Point } from '../canvas/geometry.ts';
import type { LiveRegion } from '../panels/live-region.ts';
import type { Tools } from './tools.ts';

const directions: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: 1 },
  ArrowDown: { x: 0, y: -1 },
};
/** Cells per key press while Shift is held. */
const shiftStep = 5;
const searchRadius = 60;

interface KeyboardDeps {
  readonly canvas: HTMLCanvasElement;
  readonly fieldCanvas: FieldCanvas;
  readonly tools: Tools;
  readonly liveRegion: LiveRegion;
  readonly gridSize: number;
  readonly isEditable: () => boolean;
}

export function attachKeyboard({ canvas, fieldCanvas, tools, liveRegion, gridSize, isEditable }: KeyboardDeps): void {
  let cursor: Point = { x: Math.floor(gridSize / 2), y: Math.floor(gridSize / 2) };
  const showCursor = (isShown: boolean) => {
    fieldCanvas.cursor = isShown ? cursor : undefined;
    fieldCanvas.requestRedraw();
  };
  const cursorPoint = () => cellCenter(fieldCanvas.view, gridSize, cursor);
  const describe = () => {
    const nearest = fieldCanvas.findNearest(cursorPoint(), searchRadius)?.particle;
    const heat = `heat ${fieldCanvas.heatAt(cursor).toFixed(2)}`;
    const nearestText = nearest
      ? `near ${nearest.content ?? nearest.id}, resonance ${nearest.resonance.toFixed(2)}`
      : 'no particle near';
    return `Column ${cursor.x + 1}, row ${cursor.y + 1}: ${heat}, ${nearestText}`;
  };

  /** Returns whether the key was handled. */
  const handle = ({ key, shiftKey }: KeyboardEvent): boolean => {
    const direction = directions[key];
    if (direction) {
      const step = shiftKey ? shiftStep : 1;
      const clampToGrid = (value: number) => Math.min(gridSize - 1, Math.max(0, value));
      cursor = { x: clampToGrid(cursor.x + direction.x * step), y: clampToGrid(cursor.y + direction.y * step) };
      liveRegion.announce(describe());
    } else if (key === 'Enter' || key === ' ') {
      if (!isEditable()) return false;
      tools.apply(cursorPoint());
      tools.endStroke();
      liveRegion.announce({ particle: 'Particle added', heat: 'Heat painted', remove: 'Removed' }[tools.mode]);
    } else if (key === 'Delete' || key === 'Backspace') {
      if (!isEditable()) return false;
      const removed = tools.removeNearest(cursorPoint(), searchRadius);
      liveRegion.announce(removed === undefined ? 'No particle near' : `Removed ${removed}`);
    } else if (key === 'd' || key === 'D') liveRegion.announce(describe());
    else return false;
    showCursor(true);
    return true;
  };

  // role="application" passes all keys to the page, so it is set only once the handlers exist.
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (handle(event)) event.preventDefault();
  });
  // A click also focuses the canvas; the cursor is shown for keyboard focus only.
  canvas.addEventListener('focus', () => showCursor(canvas.matches(':focus-visible')));
  canvas.addEventListener('blur', () => showCursor(false));
  canvas.addEventListener('pointerdown', () => showCursor(false));
}

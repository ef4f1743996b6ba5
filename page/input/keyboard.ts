/** Keyboard access to the field: a cursor that applies the tools, is announced to screen readers and keeps itself in view. */

import type { FieldCanvas } from '../canvas/field-canvas.ts';
import type { LiveRegion } from '../panels/live-region.ts';
import { isCell, type Point, toScreen } from '../viewport/geometry.ts';
import type { Viewport } from '../viewport/viewport.ts';
import type { Tools } from './tools.ts';

const directions: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: 1 },
  ArrowDown: { x: 0, y: -1 },
};
const zoomFactors: Readonly<Record<string, number>> = { '+': 1.5, '=': 1.5, '-': 1 / 1.5, _: 1 / 1.5 };
/** Steps per key press while Shift is held. */
const shiftStep = 5;
/** A step is one cell, or a power of two of them where cells are smaller than this many pixels. */
const minStepPixels = 8;
const searchRadius = 60;

interface KeyboardDeps {
  readonly canvas: HTMLCanvasElement;
  readonly fieldCanvas: FieldCanvas;
  readonly viewport: Viewport;
  readonly tools: Tools;
  readonly liveRegion: LiveRegion;
  readonly gridSize: number;
  readonly canEdit: () => boolean;
}

export function attachKeyboard(deps: KeyboardDeps): void {
  const { canvas, fieldCanvas, viewport, tools, liveRegion, gridSize, canEdit } = deps;
  const middle = Math.floor(gridSize / 2) + 0.5;
  let cursor: Point = { x: middle, y: middle };
  const showCursor = (isShown: boolean) => {
    fieldCanvas.cursor = isShown ? cursor : undefined;
  };
  const cursorPoint = () => toScreen(fieldCanvas.view, cursor);
  const describe = () => describePlace(fieldCanvas, gridSize, cursor);
  const moveBy = (direction: Point, count: number) => {
    const step = stepFor(viewport.view.scale) * count;
    const { left, right, bottom, top } = viewport.extent;
    cursor = {
      x: limitStep(cursor.x, direction.x * step, left, right),
      y: limitStep(cursor.y, direction.y * step, bottom, top),
    };
    viewport.reveal(cursor);
    liveRegion.announce(describe());
  };

  /** Returns whether the key was handled. */
  const handle = ({ key, shiftKey }: KeyboardEvent): boolean => {
    const direction = directions[key];
    const factor = zoomFactors[key];
    if (direction) moveBy(direction, shiftKey ? shiftStep : 1);
    else if (factor !== undefined) {
      viewport.zoomBy(factor, cursorPoint());
      viewport.reveal(cursor);
      liveRegion.announce(viewport.isEverythingVisible ? 'Everything is shown' : `Zoom ${viewport.zoom.toFixed(1)}`);
    } else if (key === '0') {
      viewport.showEverything();
      liveRegion.announce('Everything is shown');
    } else if (key === 'Enter' || key === ' ') {
      if (!canEdit()) return false;
      liveRegion.announce(tools.apply(cursorPoint()));
      tools.endStroke();
    } else if (key === 'e' || key === 'E' || key === 'c' || key === 'C') {
      const nearest = fieldCanvas.findNearest(cursorPoint(), searchRadius)?.particle.id;
      if (nearest === undefined) liveRegion.announce('No particle near');
      else if (key.toLowerCase() === 'e') tools.press(nearest);
      else if (canEdit()) tools.connect(nearest);
    } else if (key === 'Delete' || key === 'Backspace') {
      if (!canEdit()) return false;
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

function stepFor(scale: number): number {
  return scale >= minStepPixels ? 1 : 2 ** Math.ceil(Math.log2(minStepPixels / scale));
}

/** Whole steps only, so that the cursor stays in the middle of cells. */
function limitStep(value: number, step: number, low: number, high: number): number {
  const next = value + step;
  if (next < low) return value + Math.ceil(low - value);
  return next > high ? value + Math.floor(high - value) : next;
}

function describePlace(fieldCanvas: FieldCanvas, gridSize: number, cursor: Point): string {
  const cell = { x: Math.floor(cursor.x), y: Math.floor(cursor.y) };
  const nearest = fieldCanvas.findNearest(toScreen(fieldCanvas.view, cursor), searchRadius)?.particle;
  const nearestText = nearest
    ? `near ${nearest.content ?? nearest.id}, resonance ${nearest.resonance.toFixed(2)}`
    : 'no particle near';
  return isCell(cell, gridSize)
    ? `Column ${cell.x + 1}, row ${cell.y + 1}: heat ${fieldCanvas.heatAt(cell).toFixed(2)}, ${nearestText}`
    : `Outside of the grid, at ${cell.x}, ${cell.y}: ${nearestText}`;
}

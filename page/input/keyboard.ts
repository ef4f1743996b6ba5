/** The field by keyboard: a cursor over the grid that uses the tools and says where it is. */

import type { Stage } from '../canvas/field-canvas.ts';
import { cellCenter, type Point } from '../canvas/geometry.ts';
import type { Announcer } from '../panels/live-region.ts';
import type { Tools } from './tools.ts';

const directions: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: 1 },
  ArrowDown: { x: 0, y: -1 },
};
/** With Shift, the cursor leaps. */
const leap = 5;
const around = 60;

interface KeyboardDeps {
  readonly canvas: HTMLCanvasElement;
  readonly stage: Stage;
  readonly tools: Tools;
  readonly announcer: Announcer;
  readonly gridSize: number;
  readonly isAllowed: () => boolean;
}

export function followKeyboard({ canvas, stage, tools, announcer, gridSize, isAllowed }: KeyboardDeps): void {
  let cursor: Point = { x: Math.floor(gridSize / 2), y: Math.floor(gridSize / 2) };
  const show = (isShown: boolean) => {
    stage.cursor = isShown ? cursor : undefined;
    stage.touch();
  };
  const place = () => cellCenter(stage.view, gridSize, cursor);
  const describe = () => {
    const near = stage.nearest(place(), around)?.particle;
    const heat = `heat ${stage.heatAt(cursor).toFixed(2)}`;
    const found = near ? `near ${near.content ?? near.id}, resonance ${near.resonance.toFixed(2)}` : 'no particle near';
    return `Column ${cursor.x + 1}, row ${cursor.y + 1}: ${heat}, ${found}`;
  };

  /** Whether the key meant something here. */
  const handle = ({ key, shiftKey }: KeyboardEvent): boolean => {
    const direction = directions[key];
    if (direction) {
      const step = shiftKey ? leap : 1;
      const hold = (value: number) => Math.min(gridSize - 1, Math.max(0, value));
      cursor = { x: hold(cursor.x + direction.x * step), y: hold(cursor.y + direction.y * step) };
      announcer.say(describe());
    } else if (key === 'Enter' || key === ' ') {
      if (!isAllowed()) return false;
      tools.use(place());
      tools.endStroke();
      announcer.say({ particle: 'Particle made', heat: 'Heat painted', remove: 'Removed' }[tools.mode]);
    } else if (key === 'Delete' || key === 'Backspace') {
      if (!isAllowed()) return false;
      const removed = tools.removeNearest(place(), around);
      announcer.say(removed === undefined ? 'No particle near' : `Removed ${removed}`);
    } else if (key === 'd' || key === 'D') announcer.say(describe());
    else return false;
    show(true);
    return true;
  };

  // An application takes its own keys; only now is there one.
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (handle(event)) event.preventDefault();
  });
  // A click focuses the canvas as well; the cursor is for who came by keyboard.
  canvas.addEventListener('focus', () => show(canvas.matches(':focus-visible')));
  canvas.addEventListener('blur', () => show(false));
  canvas.addEventListener('pointerdown', () => show(false));
}

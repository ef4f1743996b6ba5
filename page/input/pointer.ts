/** Fingers, pens and mice: a tap uses the tool, a drag paints or moves, and hovering tells what a particle says. */

import type { Stage } from '../canvas/field-canvas.ts';
import type { Point } from '../canvas/geometry.ts';
import { byId, setText } from '../dom.ts';
import { shorten } from '../format.ts';
import { grabRadius, type Tools } from './tools.ts';

/** A tap may tremble this much, in pixels. */
const tremble = 6;
const hoverRadius = 26;

interface Drag {
  readonly start: Point;
  last: Point;
  isTap: boolean;
  /** The particle that it moves. */
  readonly particle: string | undefined;
}

export function followPointer(canvas: HTMLCanvasElement, stage: Stage, tools: Tools, isAllowed: () => boolean): void {
  const drags = new Map<number, Drag>();

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !isAllowed()) return;
    canvas.setPointerCapture(event.pointerId);
    const start = pointOf(event);
    const particle = tools.mode === 'particle' ? stage.nearest(start, grabRadius)?.particle.id : undefined;
    drags.set(event.pointerId, { start, last: start, isTap: true, particle });
  });

  canvas.addEventListener('pointermove', (event) => {
    const drag = drags.get(event.pointerId);
    const point = pointOf(event);
    if (!drag) return showLabel(stage, point);
    if (drag.isTap && Math.hypot(point.x - drag.start.x, point.y - drag.start.y) < tremble) return;
    drag.isTap = false;
    if (drag.particle === undefined) for (const step of stepsOf(event, drag)) tools.paint(step.from, step.to);
    drag.last = point;
  });

  const end = (event: PointerEvent) => {
    const drag = drags.get(event.pointerId);
    drags.delete(event.pointerId);
    if (!drag || event.type === 'pointercancel') return tools.endStroke();
    if (!drag.isTap && drag.particle !== undefined) tools.move(drag.particle, pointOf(event));
    // A tap on a particle that is there tells what it says instead of laying another one over it.
    if (drag.isTap && drag.particle === undefined) tools.use(drag.start);
    if (drag.isTap && drag.particle !== undefined) showLabel(stage, drag.start);
    tools.endStroke();
  };
  canvas.addEventListener('pointerup', end);
  canvas.addEventListener('pointercancel', end);
  canvas.addEventListener('pointerleave', () => byId('label', HTMLElement).classList.remove('shown'));
}

function pointOf({ clientX, clientY }: PointerEvent): Point {
  return { x: clientX, y: clientY };
}

/** A quick stroke leaves out places that the browser remembers. */
function stepsOf(event: PointerEvent, drag: Drag): { from: Point; to: Point }[] {
  const points = event.getCoalescedEvents?.() ?? [];
  const way = [drag.last, ...(points.length > 0 ? points : [event]).map(pointOf)];
  return way.slice(1).map((to, index) => ({ from: way[index] ?? to, to }));
}

function showLabel(stage: Stage, point: Point): void {
  const label = byId('label', HTMLElement);
  const body = stage.nearest(point, hoverRadius);
  label.classList.toggle('shown', body !== undefined);
  if (!body) return;
  const { content, id, resonance, crystallized } = body.particle;
  setText(label, `${shorten(content || id)} · ${resonance.toFixed(2)}${crystallized ? ', crystallized' : ''}`);
  const x = Math.min(body.screenX + 14, innerWidth - label.offsetWidth - 8);
  label.style.transform = `translate(${Math.round(x)}px, ${Math.round(body.screenY + 12)}px)`;
}

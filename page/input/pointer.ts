/** Touch, pen and mouse input: a tap applies the tool, a drag paints or moves a particle, hovering shows its label. */

import type { FieldCanvas } from '../canvas/field-canvas.ts';
import type { Point } from '../canvas/geometry.ts';
import { byId, setText } from '../dom.ts';
import { truncate } from '../format.ts';
import { grabRadius, type Tools } from './tools.ts';

/** Movement up to this many pixels still counts as a tap. */
const tapSlop = 6;
const hoverRadius = 26;

interface Drag {
  readonly start: Point;
  last: Point;
  isTap: boolean;
  /** Id of the particle being dragged. */
  readonly particle: string | undefined;
}

export function attachPointer(
  canvas: HTMLCanvasElement,
  fieldCanvas: FieldCanvas,
  tools: Tools,
  isEditable: () => boolean,
): void {
  const drags = new Map<number, Drag>();

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !isEditable()) return;
    canvas.setPointerCapture(event.pointerId);
    const start = pointOf(event);
    const particle = tools.mode === 'particle' ? fieldCanvas.findNearest(start, grabRadius)?.particle.id : undefined;
    drags.set(event.pointerId, { start, last: start, isTap: true, particle });
  });

  canvas.addEventListener('pointermove', (event) => {
    const drag = drags.get(event.pointerId);
    const point = pointOf(event);
    if (!drag) return showLabel(fieldCanvas, point);
    if (drag.isTap && Math.hypot(point.x - drag.start.x, point.y - drag.start.y) < tapSlop) return;
    drag.isTap = false;
    if (drag.particle === undefined)
      for (const segment of toSegments(event, drag)) tools.paint(segment.from, segment.to);
    drag.last = point;
  });

  const end = (event: PointerEvent) => {
    const drag = drags.get(event.pointerId);
    drags.delete(event.pointerId);
    if (!drag || event.type === 'pointercancel') return tools.endStroke();
    if (!drag.isTap && drag.particle !== undefined) tools.move(drag.particle, pointOf(event));
    // A tap on an existing particle shows its label instead of adding another particle on top of it.
    if (drag.isTap && drag.particle === undefined) tools.apply(drag.start);
    if (drag.isTap && drag.particle !== undefined) showLabel(fieldCanvas, drag.start);
    tools.endStroke();
  };
  canvas.addEventListener('pointerup', end);
  canvas.addEventListener('pointercancel', end);
  canvas.addEventListener('pointerleave', () => byId('label', HTMLElement).classList.remove('shown'));
}

function pointOf({ clientX, clientY }: PointerEvent): Point {
  return { x: clientX, y: clientY };
}

/** Includes the coalesced events, so that a fast stroke has no gaps. */
function toSegments(event: PointerEvent, drag: Drag): { from: Point; to: Point }[] {
  const points = event.getCoalescedEvents?.() ?? [];
  const path = [drag.last, ...(points.length > 0 ? points : [event]).map(pointOf)];
  return path.slice(1).map((to, index) => ({ from: path[index] ?? to, to }));
}

function showLabel(fieldCanvas: FieldCanvas, point: Point): void {
  const label = byId('label', HTMLElement);
  const nearest = fieldCanvas.findNearest(point, hoverRadius);
  label.classList.toggle('shown', nearest !== undefined);
  if (!nearest) return;
  const { content, id, resonance, crystallized } = nearest.particle;
  setText(label, `${truncate(content || id)} · ${resonance.toFixed(2)}${crystallized ? ', crystallized' : ''}`);
  const x = Math.min(nearest.screenX + 14, innerWidth - label.offsetWidth - 8);
  label.style.transform = `translate(${Math.round(x)}px, ${Math.round(nearest.screenY + 12)}px)`;
}

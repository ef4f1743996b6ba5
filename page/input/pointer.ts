/**
 * Touch, pen and mouse input. One pointer: a tap applies the tool, a drag paints, moves a particle, or moves the view if the tool
 * has nothing to drag. With any tool, two pointers and the wheel zoom, and the middle button moves the view.
 */

import type { FieldCanvas } from '../canvas/field-canvas.ts';
import type { Point } from '../viewport/geometry.ts';
import type { Viewport } from '../viewport/viewport.ts';
import { hideLabel, showLabel } from './label.ts';
import { Taps } from './taps.ts';
import { grabRadius, type Tools } from './tools.ts';

/** Movement up to this many pixels still counts as a tap. */
const tapSlop = 6;
/** The exponent of the zoom factor per pixel of wheel movement; a notch of a mouse has 100 or 120 pixels. */
const wheelZoom = 0.0016;
/** For wheels that report lines or pages instead of pixels. */
const pixelsPerLine = 40;
/** Trackpads report a pinch as a wheel with the Ctrl key, in far smaller numbers. */
const pinchZoom = 0.012;
const middleButton = 1;

interface PointerDeps {
  readonly canvas: HTMLCanvasElement;
  readonly fieldCanvas: FieldCanvas;
  readonly viewport: Viewport;
  readonly tools: Tools;
  readonly canEdit: () => boolean;
  /** Called with the pointer's position on the screen, or with undefined when it has left. */
  readonly onHover: (point: Point | undefined) => void;
}

/**
 * The gesture of the pressed pointer. A `press` becomes another kind with the first movement, or else is a tap. With a second
 * pointer the gesture is a `pinch` until all are lifted.
 */
type Gesture =
  | { readonly kind: 'press'; readonly particle: string | undefined; readonly isPan: boolean }
  | { readonly kind: 'pan' }
  | { readonly kind: 'stroke' }
  | { readonly kind: 'move'; readonly particle: string }
  | { readonly kind: 'pinch' };

interface Pressed {
  readonly start: Point;
  last: Point;
}

export function attachPointer({ canvas, fieldCanvas, viewport, tools, canEdit, onHover }: PointerDeps): void {
  const pressed = new Map<number, Pressed>();
  let gesture: Gesture | undefined;
  const taps = new Taps({ onTap: (point) => tools.apply(point), onDoubleTap: () => viewport.showEverything() });

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 && event.button !== middleButton) return;
    canvas.setPointerCapture(event.pointerId);
    const start = pointOf(event);
    pressed.set(event.pointerId, { start, last: start });
    if (pressed.size > 1) {
      tools.endStroke();
      if (gesture?.kind === 'move') tools.cancelMove(gesture.particle);
      gesture = { kind: 'pinch' };
      return;
    }
    const isPan = event.button === middleButton || !canEdit();
    const isGrabbing = tools.mode === 'particle' || isPan;
    const particle = isGrabbing ? fieldCanvas.findNearest(start, grabRadius)?.particle.id : undefined;
    gesture = { kind: 'press', particle, isPan };
  });

  canvas.addEventListener('pointermove', (event) => {
    const pointer = pressed.get(event.pointerId);
    const point = pointOf(event);
    onHover(point);
    if (!pointer || !gesture) return showLabel(fieldCanvas, point);
    if (gesture.kind === 'press') {
      if (Math.hypot(point.x - pointer.start.x, point.y - pointer.start.y) < tapSlop) return;
      gesture = beginDrag(gesture, tools);
      hideLabel();
    }
    if (gesture.kind === 'move') tools.preview(gesture.particle, point);
    else if (gesture.kind === 'pinch') pinch(viewport, pressed, pointer, point);
    else if (gesture.kind === 'pan') viewport.panBy(point.x - pointer.last.x, point.y - pointer.last.y);
    else if (gesture.kind === 'stroke')
      for (const segment of toSegments(event, pointer)) tools.paint(segment.from, segment.to);
    pointer.last = point;
  });

  const end = (event: PointerEvent) => {
    const pointer = pressed.get(event.pointerId);
    const ended = gesture;
    pressed.delete(event.pointerId);
    if (pressed.size === 0) gesture = undefined;
    if (pointer && ended && event.type === 'pointerup') {
      if (ended.kind === 'move' && !canEdit()) tools.cancelMove(ended.particle);
      else if (ended.kind === 'move') tools.move(ended.particle, pointOf(event));
      // A tap on an existing particle selects it instead of adding another particle on top of it.
      else if (ended.kind === 'press' && ended.particle !== undefined) tools.press(ended.particle);
      else if (ended.kind === 'press' && event.button === 0) {
        taps.add(pointer.start, { isTouch: event.pointerType === 'touch', isEditable: canEdit() });
        if (!canEdit()) showLabel(fieldCanvas, pointer.start);
      }
    }
    if (pointer && ended?.kind === 'move' && event.type !== 'pointerup') tools.cancelMove(ended.particle);
    tools.endStroke();
  };
  canvas.addEventListener('pointerup', end);
  canvas.addEventListener('pointercancel', end);
  canvas.addEventListener('pointerleave', () => {
    hideLabel();
    onHover(undefined);
  });
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * pixelsPerLine;
      const factor = Math.exp(-pixels * (event.ctrlKey ? pinchZoom : wheelZoom));
      viewport.zoomBy(factor, pointOf(event), event.ctrlKey);
      hideLabel();
    },
    { passive: false },
  );
}

/** A drag paints with the tools that paint. With the particle tool it moves the particle under the pointer, or else the view. */
function beginDrag({ particle, isPan }: Extract<Gesture, { kind: 'press' }>, tools: Tools): Gesture {
  if (particle !== undefined && !isPan) return { kind: 'move', particle };
  return { kind: isPan || tools.mode === 'particle' ? 'pan' : 'stroke' };
}

/** Pans and zooms so that the content between two pointers stays between them. */
function pinch(viewport: Viewport, pressed: ReadonlyMap<number, Pressed>, moved: Pressed, point: Point): void {
  const [first, second] = [...pressed.values()];
  if (!first || !second || (moved !== first && moved !== second)) return;
  const other = moved === first ? second : first;
  const [before, after] = [distance(moved.last, other.last), distance(point, other.last)];
  const middle = { x: (point.x + other.last.x) / 2, y: (point.y + other.last.y) / 2 };
  viewport.panBy((point.x - moved.last.x) / 2, (point.y - moved.last.y) / 2);
  if (before > 0) viewport.zoomBy(after / before, middle, true);
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function pointOf({ clientX, clientY }: MouseEvent): Point {
  return { x: clientX, y: clientY };
}

/** Includes the coalesced events, so that a fast stroke has no gaps. */
function toSegments(event: PointerEvent, { last }: Pressed): { from: Point; to: Point }[] {
  const points = event.getCoalescedEvents?.() ?? [];
  const path = [last, ...(points.length > 0 ? points : [event]).map(pointOf)];
  return path.slice(1).map((to, index) => ({ from: path[index] ?? to, to }));
}

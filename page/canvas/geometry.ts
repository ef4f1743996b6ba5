/**
 * From the field's coordinates to the screen's and back. Particles live in a world that is fitted to where they are; the
 * grid's cells cover the same plate of the screen. North is up in both.
 */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rect extends Point {
  readonly width: number;
  readonly height: number;
}

/** Where a field is shown: `plate` in CSS pixels of the screen, `world` in coordinates of particles. */
export interface View {
  readonly viewport: Rect;
  readonly world: Rect;
}

/** What lies farther out, for nobody means to put it there, is shown at the edge. */
const worldLimit = 1000;
const minSpan = 20;
const margin = 0.07;
/** A world that has become this much too wide is fitted anew. */
const maxOversize = 2.5;

export const emptyWorld: Rect = { x: -10, y: -10, width: minSpan, height: minSpan };

/** The world for these particles: the current one for as long as it serves, so that the picture stands still. */
export function fitWorld(current: Rect, points: Iterable<Point>): Rect {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    if (Math.abs(x) > worldLimit || Math.abs(y) > worldLimit) continue;
    left = Math.min(left, x);
    right = Math.max(right, x);
    bottom = Math.min(bottom, y);
    top = Math.max(top, y);
  }
  if (left > right) return current;
  const [x, width] = fitAxis(left, right);
  const [y, height] = fitAxis(bottom, top);
  const fitted = { x, y, width, height };
  const isFitting =
    left >= current.x &&
    right <= current.x + current.width &&
    bottom >= current.y &&
    top <= current.y + current.height &&
    current.width <= fitted.width * maxOversize &&
    current.height <= fitted.height * maxOversize;
  return isFitting ? current : fitted;
}

function fitAxis(low: number, high: number): [start: number, span: number] {
  const span = Math.max(minSpan, (high - low) * (1 + 2 * margin));
  return [(low + high) / 2 - span / 2, span];
}

export function toScreen({ viewport, world }: View, { x, y }: Point): Point {
  const xRatio = clampUnit((x - world.x) / world.width);
  const yRatio = clampUnit((y - world.y) / world.height);
  return { x: viewport.x + xRatio * viewport.width, y: viewport.y + (1 - yRatio) * viewport.height };
}

export function toWorld({ viewport, world }: View, { x, y }: Point): Point {
  return {
    x: world.x + clampUnit((x - viewport.x) / viewport.width) * world.width,
    y: world.y + (1 - clampUnit((y - viewport.y) / viewport.height)) * world.height,
  };
}

/** The cell under a point of the screen, or undefined beside the plate. */
export function toCell({ viewport }: View, gridSize: number, { x, y }: Point): Point | undefined {
  const column = Math.floor(((x - viewport.x) / viewport.width) * gridSize);
  const row = Math.floor((1 - (y - viewport.y) / viewport.height) * gridSize);
  const isInside = column >= 0 && row >= 0 && column < gridSize && row < gridSize;
  return isInside ? { x: column, y: row } : undefined;
}

/** The middle of a cell on the screen. */
export function cellCenter({ viewport }: View, gridSize: number, { x, y }: Point): Point {
  return {
    x: viewport.x + ((x + 0.5) / gridSize) * viewport.width,
    y: viewport.y + (1 - (y + 0.5) / gridSize) * viewport.height,
  };
}

/** The cells on the way from one to another, both ends included. */
export function cellsBetween(from: Point, to: Point): Point[] {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
  return Array.from({ length: steps + 1 }, (_, step) => ({
    x: Math.round(from.x + ((to.x - from.x) * step) / steps),
    y: Math.round(from.y + ((to.y - from.y) * step) / steps),
  }));
}

/** Part of the way from one rectangle to another. */
export function interpolateRect(from: Rect, to: Rect, progress: number): Rect {
  const interpolate = (a: number, b: number) =>
    Math.abs(b - a) < Math.abs(to.width) * 1e-4 ? b : a + (b - a) * progress;
  return {
    x: interpolate(from.x, to.x),
    y: interpolate(from.y, to.y),
    width: interpolate(from.width, to.width),
    height: interpolate(from.height, to.height),
  };
}

function clampUnit(value: number): number {
  return Math.min(1, Math.max(0, value));
}

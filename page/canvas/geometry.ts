/**
 * Converts between field coordinates and screen coordinates. The world rectangle is fitted to the particles' positions;
 * the grid's cells cover the same viewport. The y axis points up in both.
 */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rect extends Point {
  readonly width: number;
  readonly height: number;
}

/** `viewport` is in CSS pixels of the screen, `world` in particle coordinates. */
export interface View {
  readonly viewport: Rect;
  readonly world: Rect;
}

/** Positions farther out are treated as outliers: they do not widen the world and are drawn at its edge. */
const worldLimit = 1000;
const minSpan = 20;
const margin = 0.07;
/** The world is fitted again when it is this many times wider or higher than needed. */
const maxOversize = 2.5;

export const emptyWorld: Rect = { x: -10, y: -10, width: minSpan, height: minSpan };

/** The world rectangle for these points. Returns `current` while the points fit, so that the picture does not move. */
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

/** The cell at a point of the screen, or undefined outside the viewport. */
export function toCell({ viewport }: View, gridSize: number, { x, y }: Point): Point | undefined {
  const column = Math.floor(((x - viewport.x) / viewport.width) * gridSize);
  const row = Math.floor((1 - (y - viewport.y) / viewport.height) * gridSize);
  const isInside = column >= 0 && row >= 0 && column < gridSize && row < gridSize;
  return isInside ? { x: column, y: row } : undefined;
}

/** The screen coordinates of a cell's center. */
export function cellCenter({ viewport }: View, gridSize: number, { x, y }: Point): Point {
  return {
    x: viewport.x + ((x + 0.5) / gridSize) * viewport.width,
    y: viewport.y + (1 - (y + 0.5) / gridSize) * viewport.height,
  };
}

/** The cells on the straight line between two cells, both ends included. */
export function cellsBetween(from: Point, to: Point): Point[] {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
  return Array.from({ length: steps + 1 }, (_, step) => ({
    x: Math.round(from.x + ((to.x - from.x) * step) / steps),
    y: Math.round(from.y + ((to.y - from.y) * step) / steps),
  }));
}

/** Linear interpolation between two rectangles; `progress` is 0 to 1. Differences below 0.01 % of the width snap to the end. */
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

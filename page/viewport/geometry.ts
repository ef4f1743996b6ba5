/**
 * The coordinate system of the page, and its projection onto the screen. Particles, cells, cursors and coastlines share the
 * coordinates of particle positions; cell (x, y) is the square from (x, y) to (x + 1, y + 1). The server uses the same: regions and
 * cursor positions are in grid units, and a region selects particles by position and cells by coordinates. With another mapping,
 * the page would not show the requested region. The y axis points up.
 */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle of the screen in CSS pixels, from its upper left corner. */
export interface Rect extends Point {
  readonly width: number;
  readonly height: number;
}

/** A rectangle of the field. */
export interface Bounds {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

/**
 * A projection with the same scale in both directions: `screen.x = originX + x * scale`, `screen.y = originY - y * scale`. Functions
 * that run for every particle compute this inline, so that a frame allocates nothing.
 */
export interface View {
  /** Pixels per unit of the field. */
  readonly scale: number;
  readonly originX: number;
  readonly originY: number;
}

export function toScreen({ scale, originX, originY }: View, { x, y }: Point): Point {
  return { x: originX + x * scale, y: originY - y * scale };
}

/** The field coordinates of a point of the screen. */
export function toWorld({ scale, originX, originY }: View, { x, y }: Point): Point {
  return { x: (x - originX) / scale, y: (originY - y) / scale };
}

/** The cell at a point of the screen, or undefined outside the grid. */
export function toCell(view: View, gridSize: number, point: Point): Point | undefined {
  const { x, y } = toWorld(view, point);
  const cell = { x: Math.floor(x), y: Math.floor(y) };
  return isCell(cell, gridSize) ? cell : undefined;
}

export function isCell({ x, y }: Point, gridSize: number): boolean {
  return x >= 0 && y >= 0 && x < gridSize && y < gridSize;
}

/** The screen coordinates of a cell's center. */
export function cellCenter(view: View, { x, y }: Point): Point {
  return toScreen(view, { x: x + 0.5, y: y + 0.5 });
}

/** The cells on the straight line between two cells, both ends included. */
export function cellsBetween(from: Point, to: Point): Point[] {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
  return Array.from({ length: steps + 1 }, (_, step) => ({
    x: Math.round(from.x + ((to.x - from.x) * step) / steps),
    y: Math.round(from.y + ((to.y - from.y) * step) / steps),
  }));
}

/** The part of the field that a rectangle of the screen shows. */
export function boundsOf(view: View, { x, y, width, height }: Rect): Bounds {
  const upperLeft = toWorld(view, { x, y });
  const lowerRight = toWorld(view, { x: x + width, y: y + height });
  return { left: upperLeft.x, right: lowerRight.x, bottom: lowerRight.y, top: upperLeft.y };
}

export function containsBounds(outer: Bounds, inner: Bounds): boolean {
  return (
    outer.left <= inner.left && outer.right >= inner.right && outer.bottom <= inner.bottom && outer.top >= inner.top
  );
}

/** The largest view that shows all of `bounds` in the middle of `frame`. */
export function fitView(frame: Rect, { left, right, bottom, top }: Bounds): View {
  const scale = Math.min(frame.width / (right - left), frame.height / (top - bottom));
  return centerView(frame, { x: (left + right) / 2, y: (bottom + top) / 2 }, scale);
}

/** The view with a point of the field in the middle of `frame`. */
export function centerView(frame: Rect, { x, y }: Point, scale: number): View {
  const [middleX, middleY] = [frame.x + frame.width / 2, frame.y + frame.height / 2];
  return { scale, originX: middleX - x * scale, originY: middleY + y * scale };
}

/** Changes the scale around `fixed`, a point of the screen. */
export function scaleView({ scale, originX, originY }: View, nextScale: number, fixed: Point): View {
  const ratio = nextScale / scale;
  return {
    scale: nextScale,
    originX: fixed.x + (originX - fixed.x) * ratio,
    originY: fixed.y + (originY - fixed.y) * ratio,
  };
}

/** Linear in all three values, so that a zoom keeps its fixed point at every `progress` from 0 to 1. */
export function interpolateView(from: View, to: View, progress: number): View {
  const interpolate = (a: number, b: number) => a + (b - a) * progress;
  return {
    scale: interpolate(from.scale, to.scale),
    originX: interpolate(from.originX, to.originX),
    originY: interpolate(from.originY, to.originY),
  };
}

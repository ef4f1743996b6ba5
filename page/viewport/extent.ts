/** The rectangle of "everything": the grid, and all particles that are not outliers. */
import type { Bounds, Point } from './geometry.ts';

/** Positions farther out are outliers, drawn at the edge: a single one must not shrink everything else to a dot. */
const outlierDistance = 1000;
/** The empty space around it, as a share of the width and height. */
const margin = 0.04;
/** The extent shrinks only if it is this many times wider or higher than needed, so that the view does not jitter. */
const maxOversize = 1.6;

export function gridExtent(gridSize: number): Bounds {
  return addMargin({ left: 0, right: gridSize, bottom: 0, top: gridSize });
}

/**
 * The extent for these points and the grid. Returns `current` while everything is inside and it is not far too large.
 * @param canShrink false while the points are only a part of the field's
 */
export function fitExtent(current: Bounds, gridSize: number, points: Iterable<Point>, canShrink = true): Bounds {
  let [left, right, bottom, top] = [0, gridSize, 0, gridSize];
  const limit = Math.max(outlierDistance, gridSize);
  for (const { x, y } of points) {
    if (Math.abs(x) > limit || Math.abs(y) > limit) continue;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < bottom) bottom = y;
    if (y > top) top = y;
  }
  const isInside = left >= current.left && right <= current.right && bottom >= current.bottom && top <= current.top;
  const fitted = addMargin({ left, right, bottom, top });
  const isOversized =
    current.right - current.left > (fitted.right - fitted.left) * maxOversize ||
    current.top - current.bottom > (fitted.top - fitted.bottom) * maxOversize;
  if (isInside && !(isOversized && canShrink)) return current;
  return canShrink ? fitted : union(current, fitted);
}

function addMargin({ left, right, bottom, top }: Bounds): Bounds {
  const [x, y] = [(right - left) * margin, (top - bottom) * margin];
  return { left: left - x, right: right + x, bottom: bottom - y, top: top + y };
}

function union(a: Bounds, b: Bounds): Bounds {
  return {
    left: Math.min(a.left, b.left),
    right: Math.max(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
    top: Math.max(a.top, b.top),
  };
}

/** The ring around the selected particle. An element, so that it is sharp, and visible even with forced colors. */
import { byId } from '../dom.ts';
import type { Point } from '../viewport/geometry.ts';

/** @returns a function that moves the ring; without a point it is hidden */
export function createSelectionRing(): (point: Point | undefined) => void {
  const ring = byId('selection', HTMLElement);
  return (point) => {
    ring.hidden = point === undefined;
    if (point) ring.style.translate = `${Math.round(point.x)}px ${Math.round(point.y)}px`;
  };
}

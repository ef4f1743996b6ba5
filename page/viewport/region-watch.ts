/** Asks the server for the part of the field around the view only, once the view rests; for all of it while it is on the screen. */
import type { Region } from '../../client/types.ts';
import type { Bounds } from './geometry.ts';
import type { Viewport } from './viewport.ts';

const delayMs = 300;
/** What is asked for reaches this share of the view's size beyond each of its edges, so that short moves need no request. */
const margin = 0.5;
/** A region is kept until the view leaves it, or is smaller by this factor in width. */
const maxOversize = 6;

/** @param setRegion called with the region, or with null for the whole field, when that has changed */
export function watchRegion(viewport: Viewport, setRegion: (region: Region | null) => void): void {
  let current: Region | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  viewport.onChange(() => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const next = chooseRegion(current, viewport);
      if (next !== current) setRegion(next);
      current = next;
    }, delayMs);
  });
}

type Visible = Pick<Viewport, 'bounds' | 'extent' | 'isEverythingVisible'>;

/** The region to watch; `current` as long as it is good enough. */
export function chooseRegion(current: Region | null, { bounds, extent, isEverythingVisible }: Visible): Region | null {
  if (isEverythingVisible) return null;
  const [width, height] = [bounds.right - bounds.left, bounds.top - bounds.bottom];
  if (current && containsView(current, bounds) && current.x1 - current.x0 <= width * maxOversize) return current;
  const region = {
    // Whole units outwards: a cell that is partly visible is inside by its lower left corner.
    x0: Math.floor(bounds.left - width * margin),
    y0: Math.floor(bounds.bottom - height * margin),
    x1: Math.ceil(bounds.right + width * margin),
    y1: Math.ceil(bounds.top + height * margin),
  };
  return containsView(region, extent) ? null : region;
}

function containsView({ x0, y0, x1, y1 }: Region, { left, right, bottom, top }: Bounds): boolean {
  return x0 <= Math.floor(left) && y0 <= Math.floor(bottom) && x1 >= right && y1 >= top;
}

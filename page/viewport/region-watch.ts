/** Watches only the part of the field around the view, once the view rests; the whole field while all of it is visible. */
import type { Region } from '../../client/types.ts';
import type { Bounds } from './geometry.ts';
import type { Viewport } from './viewport.ts';

const delayMs = 300;
/** The region extends beyond each edge of the view by this share of its size, so that short moves need no request. */
const margin = 0.5;
/** A region is kept until the view leaves it, or is narrower by this factor. */
const maxOversize = 6;

/**
 * Tabs share a connection and so a region. A tab that receives a region it did not request cannot know what the other tab needs, so
 * it requests the whole field; from then on neither of them requests less.
 */
export class RegionWatch {
  readonly #viewport: Visible;
  readonly #setRegion: (region: Region | null) => void;
  readonly #asked = new Set<string>();
  #current: Region | null = null;
  /** Whether the server has sent the region requested last. */
  #isConfirmed = false;
  #isShared = false;

  /** @param setRegion called when the region has changed; null is the whole field */
  constructor(viewport: Visible, setRegion: (region: Region | null) => void) {
    this.#viewport = viewport;
    this.#setRegion = setRegion;
  }

  /** To be called when the view rests. */
  update(): void {
    const next = this.#isShared ? null : chooseRegion(this.#current, this.#viewport);
    if (next === this.#current) return;
    if (next) this.#asked.add(keyOf(next));
    this.#current = next;
    this.#isConfirmed = false;
    this.#setRegion(next);
  }

  /** @param region of the state that was received; undefined for the whole field */
  check(region: Region | undefined): void {
    if (this.#isShared) return;
    if (region && this.#asked.has(keyOf(region))) {
      this.#isConfirmed ||= this.#current !== null && keyOf(region) === keyOf(this.#current);
      return;
    }
    // Another tab has requested its own region, or the whole field after this tab had received its region.
    if (!region && !(this.#current && this.#isConfirmed)) return;
    this.#isShared = true;
    this.#current = null;
    if (region) this.#setRegion(null);
  }
}

/** Keeps the region up to date with the view. @returns a function to be called with the region of each state that is received */
export function watchRegion(
  viewport: Viewport,
  setRegion: (region: Region | null) => void,
): (region: Region | undefined) => void {
  const watch = new RegionWatch(viewport, setRegion);
  let timer: ReturnType<typeof setTimeout> | undefined;
  viewport.onChange(() => {
    clearTimeout(timer);
    timer = setTimeout(() => watch.update(), delayMs);
  });
  return (region) => watch.check(region);
}

function keyOf({ x0, y0, x1, y1 }: Region): string {
  return [x0, y0, x1, y1].join(',');
}

type Visible = Pick<Viewport, 'bounds' | 'extent' | 'isEverythingVisible'>;

/** The region to watch; `current` as long as it is good enough. */
export function chooseRegion(current: Region | null, { bounds, extent, isEverythingVisible }: Visible): Region | null {
  if (isEverythingVisible) return null;
  const [width, height] = [bounds.right - bounds.left, bounds.top - bounds.bottom];
  if (current && containsView(current, bounds) && current.x1 - current.x0 <= width * maxOversize) return current;
  const region = {
    // Rounded outwards: a partly visible cell counts as inside by its lower left corner.
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

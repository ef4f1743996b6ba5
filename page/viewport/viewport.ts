/** The visible part of the field: pan, zoom, and the return to showing everything. Draws nothing. */
import { fitExtent, gridExtent } from './extent.ts';
import {
  type Bounds,
  boundsOf,
  centerView,
  containsBounds,
  fitView,
  interpolateView,
  type Point,
  type Rect,
  scaleView,
  toScreen,
  toWorld,
  type View,
} from './geometry.ts';

/** In pixels per unit. A cell is then as wide as a phone's screen, and a degree of longitude shows single places. */
const maxScale = 400;
const easePerSecond = 9;
/** Differences below this many pixels end the motion. */
const settledPixels = 0.2;
/** A scale this little above the fitted one is rounding, not a zoom. */
const fitTolerance = 1.0001;
/** The share of the frame that stays free around a point that is revealed. */
const revealMargin = 0.12;

interface ViewportOptions {
  readonly gridSize: number;
  /** The part of the window that the surrounding panels leave free. */
  readonly measureFrame: () => Rect;
}

export class Viewport {
  readonly #options: ViewportOptions;
  readonly #listeners: (() => void)[] = [];
  #frame: Rect;
  #extent: Bounds;
  #view: View;
  #target: View;
  /** Whether the view follows the extent: from the start until the user moves or zooms. */
  #isFollowing = true;

  constructor(options: ViewportOptions) {
    this.#options = options;
    this.#frame = options.measureFrame();
    this.#extent = gridExtent(options.gridSize);
    this.#target = fitView(this.#frame, this.#extent);
    this.#view = this.#target;
  }

  get view(): View {
    return this.#view;
  }

  get extent(): Bounds {
    return this.#extent;
  }

  get frame(): Rect {
    return this.#frame;
  }

  /** The visible part once the current motion has ended. */
  get bounds(): Bounds {
    return boundsOf(this.#target, this.#frame);
  }

  get isEverythingVisible(): boolean {
    return this.#isFollowing || containsBounds(this.bounds, this.#extent);
  }

  /** The magnification relative to the view that shows everything. */
  get zoom(): number {
    return this.#target.scale / this.#fitScale;
  }

  /** Adds a listener for changes of the target view, the extent or the frame. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** @param isPart whether the points are only some of the field's, so that they do not determine its extent */
  setPoints(points: Iterable<Point>, isPart: boolean): void {
    const extent = fitExtent(this.#extent, this.#options.gridSize, points, !isPart);
    if (extent === this.#extent) return;
    this.#extent = extent;
    this.#retarget(this.#target);
  }

  /** Measures the frame again, after a change of the window or the panels. The point in the middle stays there. */
  resize(): void {
    const middle = toWorld(this.#target, middleOf(this.#frame));
    this.#frame = this.#options.measureFrame();
    this.#retarget(centerView(this.#frame, middle, this.#target.scale));
    this.#view = this.#target;
  }

  /** Moves the view by pixels, without animation. */
  panBy(dx: number, dy: number): void {
    this.#isFollowing = false;
    const { scale, originX, originY } = this.#view;
    this.#retarget({ scale, originX: originX + dx, originY: originY + dy });
    this.#view = this.#target;
  }

  /** Scales around a point of the screen. @param isImmediate without animation, for gestures, which set the pace themselves */
  zoomBy(factor: number, at: Point = middleOf(this.#frame), isImmediate = false): void {
    this.#isFollowing = false;
    const from = isImmediate ? this.#view : this.#target;
    this.#retarget(scaleView(from, this.#clampScale(from.scale * factor), at));
    if (isImmediate) this.#view = this.#target;
  }

  /** Moves a point of the field into the middle. */
  centerOn(point: Point): void {
    this.#isFollowing = false;
    this.#retarget(centerView(this.#frame, point, this.#target.scale));
  }

  /** Moves as little as needed to show a point of the field. */
  reveal(point: Point): void {
    const { x, y, width, height } = this.#frame;
    const at = toScreen(this.#target, point);
    const [marginX, marginY] = [width * revealMargin, height * revealMargin];
    const dx = distanceInto(at.x, x + marginX, x + width - marginX);
    const dy = distanceInto(at.y, y + marginY, y + height - marginY);
    if (this.isEverythingVisible || (dx === 0 && dy === 0)) return;
    const { scale, originX, originY } = this.#target;
    this.#isFollowing = false;
    this.#retarget({ scale, originX: originX + dx, originY: originY + dy });
  }

  showEverything(): void {
    this.#isFollowing = true;
    this.#retarget(this.#target);
  }

  /** Ends the motion at once, for the first state and for reduced motion. */
  jump(): void {
    this.#view = this.#target;
  }

  /** Advances the motion. @returns whether the view has changed */
  step(seconds: number, isMotionReduced: boolean): boolean {
    const [from, to] = [this.#view, this.#target];
    if (from === to) return false;
    const progress = isMotionReduced ? 1 : Math.min(1, seconds * easePerSecond);
    const next = interpolateView(from, to, progress);
    const { width, height } = this.#frame;
    const rest =
      Math.abs(to.originX - next.originX) +
      Math.abs(to.originY - next.originY) +
      (Math.abs(to.scale - next.scale) / to.scale) * Math.max(width, height);
    this.#view = rest < settledPixels ? to : next;
    return true;
  }

  get #fitScale(): number {
    return fitView(this.#frame, this.#extent).scale;
  }

  #clampScale(scale: number): number {
    const fit = this.#fitScale;
    return Math.min(Math.max(maxScale, fit), Math.max(fit, scale));
  }

  /** Zoomed out completely, everything is in view again; otherwise the middle of the frame stays inside the extent. */
  #retarget(wanted: View): void {
    const { left, right, bottom, top } = this.#extent;
    const fitted = fitView(this.#frame, this.#extent);
    if (this.#isFollowing || wanted.scale <= fitted.scale * fitTolerance) {
      this.#isFollowing = true;
      this.#target = fitted;
    } else {
      const { x, y } = toWorld(wanted, middleOf(this.#frame));
      const inside = { x: clamp(x, left, right), y: clamp(y, bottom, top) };
      this.#target = centerView(this.#frame, inside, this.#clampScale(wanted.scale));
    }
    for (const listener of this.#listeners) listener();
  }
}

function middleOf({ x, y, width, height }: Rect): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** How far `value` must move to be between `low` and `high`. */
function distanceInto(value: number, low: number, high: number): number {
  return clamp(value, low, Math.max(low, high)) - value;
}

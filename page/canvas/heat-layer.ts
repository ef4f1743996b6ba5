/** The layer under the particles: the resonance grid as a heat map with contour lines. Recomputed only when values change. */
import { isCell, type Point, type View } from '../viewport/geometry.ts';
import { type Heightfield, interpolateGrid, traceContour } from './heightfield.ts';
import { colorAt, type Palette, toCssColor } from './palette.ts';

const contourLevels = [0.12, 0.27, 0.42, 0.57, 0.72, 0.87];
/** The share of the remaining difference from the new values that is covered per second. */
const easeRate = 5;
const settledDelta = 0.004;
/** Dots at the corners of cells are omitted below this distance in pixels, where they would merge into a grey area. */
const minDotDistance = 5;

export class HeatLayer {
  readonly #image = new OffscreenCanvas(1, 1);
  readonly #gridSize: number;
  readonly #displayed: Float32Array;
  readonly #target: Float32Array;
  /** In lattice points, so that they do not depend on the view. */
  #contours: readonly Path2D[] = [];
  #heightfield: Heightfield | undefined;
  #isMoving = true;
  #isImageStale = true;

  constructor(gridSize: number) {
    this.#gridSize = gridSize;
    this.#displayed = new Float32Array(gridSize * gridSize);
    this.#target = new Float32Array(gridSize * gridSize);
  }

  setCells(cells: Readonly<Record<string, number>>): void {
    this.#target.fill(0);
    for (const [cell, value] of Object.entries(cells)) {
      const [x = -1, y = -1] = cell.split(',').map(Number);
      if (isCell({ x, y }, this.#gridSize)) this.#target[y * this.#gridSize + x] = value;
    }
    this.#isMoving = true;
  }

  /** @returns 0 outside the grid */
  valueAt({ x, y }: Point): number {
    return isCell({ x, y }, this.#gridSize) ? (this.#target[y * this.#gridSize + x] ?? 0) : 0;
  }

  /** To be called after a change of colors. */
  recolor(): void {
    this.#isImageStale = true;
  }

  /** Moves the displayed values towards the target. @returns whether they have changed, so that the layer must be drawn */
  step(seconds: number, isMotionReduced: boolean): boolean {
    if (!this.#isMoving) return false;
    const progress = isMotionReduced ? 1 : Math.min(1, seconds * easeRate);
    let maxRemaining = 0;
    for (let index = 0; index < this.#displayed.length; index += 1) {
      const [shown = 0, target = 0] = [this.#displayed[index], this.#target[index]];
      const remaining = (target - shown) * (1 - progress);
      maxRemaining = Math.max(maxRemaining, Math.abs(remaining));
      this.#displayed[index] = Math.abs(remaining) < settledDelta ? target : target - remaining;
    }
    this.#isMoving = maxRemaining >= settledDelta;
    this.#heightfield = undefined;
    return true;
  }

  /** Whether the displayed values have not reached the target yet. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  draw(context: CanvasRenderingContext2D, view: View, palette: Palette): void {
    const isNew = this.#heightfield === undefined;
    this.#heightfield ??= interpolateGrid(this.#displayed, this.#gridSize);
    if (isNew)
      this.#contours = contourLevels.map((level) => toPath(traceContour(this.#heightfield as Heightfield, level)));
    if (isNew || this.#isImageStale) this.#paintImage(this.#heightfield, palette);
    this.#isImageStale = false;
    this.#drawGrid(context, view, palette);
    this.#drawHeightfield(context, this.#heightfield, view, palette);
  }

  /** The edge of the grid, and a faint dot at every corner of a cell. */
  #drawGrid(context: CanvasRenderingContext2D, { scale, originX, originY }: View, palette: Palette): void {
    const side = this.#gridSize * scale;
    context.strokeStyle = toCssColor(palette.text, palette.isDark ? 0.1 : 0.14);
    context.lineWidth = 1;
    context.strokeRect(originX, originY - side, side, side);
    if (scale < minDotDistance) return;
    context.fillStyle = toCssColor(palette.text, palette.isDark ? 0.16 : 0.2);
    const { gridSize, lastX, lastY, firstX, firstY } = this.#visibleCorners(scale, originX, originY);
    context.beginPath();
    for (let column = firstX; column <= lastX && column <= gridSize; column += 1) {
      for (let row = firstY; row <= lastY && row <= gridSize; row += 1)
        context.rect(originX + column * scale - 0.5, originY - row * scale - 0.5, 1, 1);
    }
    context.fill();
  }

  #visibleCorners(scale: number, originX: number, originY: number) {
    return {
      gridSize: this.#gridSize,
      firstX: Math.max(0, Math.ceil(-originX / scale)),
      lastX: Math.floor((innerWidth - originX) / scale),
      firstY: Math.max(0, Math.ceil((originY - innerHeight) / scale)),
      lastY: Math.floor(originY / scale),
    };
  }

  #paintImage({ size, heights }: Heightfield, palette: Palette): void {
    this.#image.width = size;
    this.#image.height = size;
    const context = this.#image.getContext('2d');
    if (!context) return;
    const image = context.createImageData(size, size);
    const table = Array.from({ length: 256 }, (_, step) => colorAt(palette.heat, step / 255));
    for (let index = 0; index < heights.length; index += 1) {
      const height = heights[index] ?? 0;
      if (height < settledDelta) continue;
      const color = table[Math.min(255, Math.round(height * 255))];
      if (!color) continue;
      image.data.set(color, index * 4);
      image.data[index * 4 + 3] = Math.min(1, height * 2.6) * (palette.isDark ? 205 : 225);
    }
    context.putImageData(image, 0, 0);
  }

  #drawHeightfield(
    context: CanvasRenderingContext2D,
    { border, span, size }: Heightfield,
    { scale, originX, originY }: View,
    palette: Palette,
  ): void {
    const left = originX - border * scale;
    const top = originY - (this.#gridSize + border) * scale;
    const side = span * scale;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.#image, left, top, side, side);
    const pixelsPerPoint = side / size;
    context.save();
    context.translate(left + pixelsPerPoint / 2, top + pixelsPerPoint / 2);
    context.scale(pixelsPerPoint, pixelsPerPoint);
    context.lineWidth = 0.8 / pixelsPerPoint;
    for (const [index, level] of contourLevels.entries()) {
      const contour = this.#contours[index];
      context.strokeStyle = toCssColor(colorAt(palette.heat, palette.isDark ? level + 0.3 : level + 0.25), 0.5);
      if (contour) context.stroke(contour);
    }
    context.restore();
  }
}

/** @param segments each as x1, y1, x2, y2 */
function toPath(segments: readonly number[]): Path2D {
  const path = new Path2D();
  for (let index = 0; index < segments.length; index += 4) {
    path.moveTo(segments[index] ?? 0, segments[index + 1] ?? 0);
    path.lineTo(segments[index + 2] ?? 0, segments[index + 3] ?? 0);
  }
  return path;
}

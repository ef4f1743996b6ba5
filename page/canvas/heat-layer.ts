/** The layer under the particles: the resonance grid as a heat map with contour lines. Redrawn only when it changes. */
import type { Point, Rect } from './geometry.ts';
import { type Heightfield, interpolateGrid, traceContour } from './heightfield.ts';
import { colorAt, type Palette, toCssColor } from './palette.ts';

const contourLevels = [0.12, 0.27, 0.42, 0.57, 0.72, 0.87];
/** Share of the remaining difference to the new values that is covered per second. */
const easeRate = 5;
const settledDelta = 0.004;

export interface HeatFrame {
  readonly viewport: Rect;
  readonly palette: Palette;
  readonly seconds: number;
  /** Show new values at once instead of easing towards them. */
  readonly isMotionReduced: boolean;
}

export class HeatLayer {
  readonly #context: CanvasRenderingContext2D;
  readonly #image = new OffscreenCanvas(1, 1);
  readonly #gridSize: number;
  readonly #displayed: Float32Array;
  readonly #target: Float32Array;
  #isStale = true;

  constructor(canvas: HTMLCanvasElement, gridSize: number) {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('2D canvas is not supported by this browser');
    this.#context = context;
    this.#gridSize = gridSize;
    this.#displayed = new Float32Array(gridSize * gridSize);
    this.#target = new Float32Array(gridSize * gridSize);
  }

  setCells(cells: Readonly<Record<string, number>>): void {
    this.#target.fill(0);
    for (const [cell, value] of Object.entries(cells)) {
      const [x = -1, y = -1] = cell.split(',').map(Number);
      if (x >= 0 && y >= 0 && x < this.#gridSize && y < this.#gridSize) this.#target[y * this.#gridSize + x] = value;
    }
    this.#isStale = true;
  }

  valueAt({ x, y }: Point): number {
    return this.#target[y * this.#gridSize + x] ?? 0;
  }

  /** Forces a redraw in the next frame, after a change of size or colors. */
  invalidate(): void {
    this.#isStale = true;
  }

  draw(frame: HeatFrame): void {
    if (!this.#isStale) return;
    this.#isStale = this.#easeTowardsTarget(frame.isMotionReduced ? 1 : Math.min(1, frame.seconds * easeRate));
    const heightfield = interpolateGrid(this.#displayed, this.#gridSize);
    const { canvas } = this.#context;
    this.#context.clearRect(0, 0, canvas.width, canvas.height);
    this.#drawGrid(frame);
    this.#paintImage(heightfield, frame.palette);
    this.#drawHeightfield(heightfield, frame);
  }

  /** Moves the displayed values towards the target. Returns whether a visible difference remains. */
  #easeTowardsTarget(progress: number): boolean {
    let maxRemaining = 0;
    for (let index = 0; index < this.#displayed.length; index += 1) {
      const [shown = 0, target = 0] = [this.#displayed[index], this.#target[index]];
      const remaining = (target - shown) * (1 - progress);
      maxRemaining = Math.max(maxRemaining, Math.abs(remaining));
      this.#displayed[index] = Math.abs(remaining) < settledDelta ? target : target - remaining;
    }
    return maxRemaining >= settledDelta;
  }

  /** A faint dot at every cell corner. */
  #drawGrid({ viewport, palette }: HeatFrame): void {
    this.#context.fillStyle = toCssColor(palette.text, palette.isDark ? 0.13 : 0.16);
    for (let column = 0; column <= this.#gridSize; column += 1) {
      for (let row = 0; row <= this.#gridSize; row += 1) {
        const x = viewport.x + (column / this.#gridSize) * viewport.width;
        const y = viewport.y + (row / this.#gridSize) * viewport.height;
        this.#context.fillRect(x - 0.5, y - 0.5, 1, 1);
      }
    }
  }

  #paintImage({ size, heights }: Heightfield, palette: Palette): void {
    if (this.#image.width !== size) {
      this.#image.width = size;
      this.#image.height = size;
    }
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

  #drawHeightfield(heightfield: Heightfield, { viewport, palette }: HeatFrame): void {
    const cell = { width: viewport.width / this.#gridSize, height: viewport.height / this.#gridSize };
    const left = viewport.x - heightfield.border * cell.width;
    const top = viewport.y - heightfield.border * cell.height;
    const [width, height] = [cell.width * heightfield.span, cell.height * heightfield.span];
    const context = this.#context;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.#image, left, top, width, height);
    context.lineWidth = 0.8;
    for (const level of contourLevels) {
      context.strokeStyle = toCssColor(colorAt(palette.heat, palette.isDark ? level + 0.3 : level + 0.25), 0.5);
      context.beginPath();
      const line = traceContour(heightfield, level);
      const toX = (index: number) => left + (((line[index] ?? 0) + 0.5) / heightfield.size) * width;
      const toY = (index: number) => top + (((line[index] ?? 0) + 0.5) / heightfield.size) * height;
      for (let index = 0; index < line.length; index += 4) {
        context.moveTo(toX(index), toY(index + 1));
        context.lineTo(toX(index + 2), toY(index + 3));
      }
      context.stroke();
    }
  }
}

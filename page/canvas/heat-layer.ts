/** The layer under the particles: the resonance grid as heat with lines of equal height. Drawn only when it changes. */
import type { Point, Rect } from './geometry.ts';
import { type Relief, raiseRelief, traceLevel } from './heightfield.ts';
import { colorAt, css, type Palette } from './palette.ts';

const levels = [0.12, 0.27, 0.42, 0.57, 0.72, 0.87];
/** How fast the heat goes over to new values: the share of the way in a second. */
const settlePerSecond = 5;
const settled = 0.004;

export interface HeatFrame {
  readonly plate: Rect;
  readonly palette: Palette;
  readonly seconds: number;
  /** Go over to new values at once. */
  readonly isStill: boolean;
}

export class HeatLayer {
  readonly #context: CanvasRenderingContext2D;
  readonly #image = new OffscreenCanvas(1, 1);
  readonly #gridSize: number;
  readonly #shown: Float32Array;
  readonly #target: Float32Array;
  #isStale = true;

  constructor(canvas: HTMLCanvasElement, gridSize: number) {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('this browser has no 2D canvas');
    this.#context = context;
    this.#gridSize = gridSize;
    this.#shown = new Float32Array(gridSize * gridSize);
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

  /** The next frame draws anew: the size or the colours have changed. */
  invalidate(): void {
    this.#isStale = true;
  }

  draw(frame: HeatFrame): void {
    if (!this.#isStale) return;
    this.#isStale = this.#settle(frame.isStill ? 1 : Math.min(1, frame.seconds * settlePerSecond));
    const relief = raiseRelief(this.#shown, this.#gridSize);
    const { canvas } = this.#context;
    this.#context.clearRect(0, 0, canvas.width, canvas.height);
    this.#drawGrid(frame);
    this.#paintImage(relief, frame.palette);
    this.#drawRelief(relief, frame);
  }

  /** Moves what is shown towards what is; says whether there is still some way to go. */
  #settle(share: number): boolean {
    let farthest = 0;
    for (let index = 0; index < this.#shown.length; index += 1) {
      const [shown = 0, target = 0] = [this.#shown[index], this.#target[index]];
      const rest = (target - shown) * (1 - share);
      farthest = Math.max(farthest, Math.abs(rest));
      this.#shown[index] = Math.abs(rest) < settled ? target : target - rest;
    }
    return farthest >= settled;
  }

  /** A point at every corner of a cell: the measure of the field, hardly seen. */
  #drawGrid({ plate, palette }: HeatFrame): void {
    this.#context.fillStyle = css(palette.text, palette.isDark ? 0.13 : 0.16);
    for (let column = 0; column <= this.#gridSize; column += 1) {
      for (let row = 0; row <= this.#gridSize; row += 1) {
        const x = plate.x + (column / this.#gridSize) * plate.width;
        const y = plate.y + (row / this.#gridSize) * plate.height;
        this.#context.fillRect(x - 0.5, y - 0.5, 1, 1);
      }
    }
  }

  #paintImage({ size, heights }: Relief, palette: Palette): void {
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
      if (height < settled) continue;
      const color = table[Math.min(255, Math.round(height * 255))];
      if (!color) continue;
      image.data.set(color, index * 4);
      image.data[index * 4 + 3] = Math.min(1, height * 2.6) * (palette.isDark ? 205 : 225);
    }
    context.putImageData(image, 0, 0);
  }

  #drawRelief(relief: Relief, { plate, palette }: HeatFrame): void {
    const cell = { width: plate.width / this.#gridSize, height: plate.height / this.#gridSize };
    const left = plate.x - relief.border * cell.width;
    const top = plate.y - relief.border * cell.height;
    const [width, height] = [cell.width * relief.span, cell.height * relief.span];
    const context = this.#context;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.#image, left, top, width, height);
    context.lineWidth = 0.8;
    for (const level of levels) {
      context.strokeStyle = css(colorAt(palette.heat, palette.isDark ? level + 0.3 : level + 0.25), 0.5);
      context.beginPath();
      const line = traceLevel(relief, level);
      const toX = (index: number) => left + (((line[index] ?? 0) + 0.5) / relief.size) * width;
      const toY = (index: number) => top + (((line[index] ?? 0) + 0.5) / relief.size) * height;
      for (let index = 0; index < line.length; index += 4) {
        context.moveTo(toX(index), toY(index + 1));
        context.lineTo(toX(index + 2), toY(index + 3));
      }
      context.stroke();
    }
  }
}

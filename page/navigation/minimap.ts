/** A small picture of everything, with a frame around the visible part. Hidden while everything is visible. */
import type { FieldView } from '../../client/types.ts';
import { readPalette, toCssColor } from '../canvas/palette.ts';
import { fitView, type Point, type Rect, toScreen, toWorld, type View } from '../viewport/geometry.ts';
import type { Viewport } from '../viewport/viewport.ts';

const maxWidth = 150;
const maxHeight = 110;

export class Minimap {
  readonly #canvas: HTMLCanvasElement;
  readonly #viewport: Viewport;
  readonly #gridSize: number;
  #positions: readonly Point[] = [];
  /** The positions in the whole field when it was last received. */
  #present: readonly Point[] = [];
  #land: Path2D | undefined;
  #isStale = true;

  constructor(canvas: HTMLCanvasElement, viewport: Viewport, gridSize: number) {
    this.#canvas = canvas;
    this.#viewport = viewport;
    this.#gridSize = gridSize;
    viewport.onChange(() => this.invalidate());
    const moveTo = (event: PointerEvent) => {
      const { left, top } = canvas.getBoundingClientRect();
      viewport.centerOn(toWorld(this.#view, { x: event.clientX - left, y: event.clientY - top }));
    };
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      moveTo(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) moveTo(event);
    });
  }

  set land(path: Path2D | undefined) {
    this.#land = path;
    this.invalidate();
  }

  setState({ memoryParticles, region }: Pick<FieldView, 'memoryParticles' | 'region'>, isPast: boolean): void {
    const positions = memoryParticles.map(({ position }) => position);
    if (!region && !isPast) this.#present = positions;
    this.#positions = isPast ? positions : this.#present;
    this.invalidate();
  }

  invalidate(): void {
    this.#isStale = true;
  }

  /** Draws the minimap if anything has changed. */
  draw(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    const isHidden = this.#viewport.isEverythingVisible;
    this.#canvas.hidden = isHidden;
    if (isHidden) return;
    const { width, height } = this.#size;
    const scale = Math.min(2, devicePixelRatio);
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    const context = this.#canvas.getContext('2d');
    if (!context) return;
    context.scale(scale, scale);
    this.#drawField(context, this.#view);
    this.#drawVisiblePart(context, this.#view);
  }

  #drawField(context: CanvasRenderingContext2D, view: View): void {
    const palette = readPalette(this.#canvas);
    if (this.#land) {
      context.save();
      context.transform(view.scale, 0, 0, -view.scale, view.originX, view.originY);
      context.beginPath();
      context.rect(-180, -90, 360, 180);
      context.clip();
      context.fillStyle = toCssColor(palette.text, 0.16);
      context.fill(this.#land);
      context.restore();
    }
    const side = this.#gridSize * view.scale;
    context.strokeStyle = toCssColor(palette.text, 0.3);
    context.strokeRect(view.originX, view.originY - side, side, side);
    context.fillStyle = toCssColor(palette.text, 0.75);
    for (const position of this.#positions) {
      const { x, y } = toScreen(view, position);
      context.fillRect(x - 0.75, y - 0.75, 1.5, 1.5);
    }
  }

  #drawVisiblePart(context: CanvasRenderingContext2D, view: View): void {
    const { left, right, bottom, top } = this.#viewport.bounds;
    const upperLeft = toScreen(view, { x: left, y: top });
    const palette = readPalette(this.#canvas);
    context.strokeStyle = toCssColor(palette.warm);
    context.lineWidth = 1.5;
    // At a high zoom the rectangle would be a dot; this size is still visible.
    const width = Math.max(6, (right - left) * view.scale);
    const height = Math.max(6, (top - bottom) * view.scale);
    context.strokeRect(upperLeft.x, upperLeft.y, width, height);
  }

  get #size(): Rect {
    const { left, right, bottom, top } = this.#viewport.extent;
    const scale = Math.min(maxWidth / (right - left), maxHeight / (top - bottom));
    return { x: 0, y: 0, width: Math.round((right - left) * scale), height: Math.round((top - bottom) * scale) };
  }

  get #view(): View {
    return fitView(this.#size, this.#viewport.extent);
  }
}

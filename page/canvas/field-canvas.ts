/** The two canvases and their clock: takes states over, draws frames, and says what lies where. Knows no network. */
import type { FieldView } from '../../client/types.ts';
import { Bodies, type Body } from './animated-particles.ts';
import { drawBodies, drawCursor, drawLinks, type Frame } from './draw-frame.ts';
import { approach, emptyWorld, fitWorld, type Point, type Rect, toScreen, type View } from './geometry.ts';
import { HeatLayer } from './heat-layer.ts';
import { type Palette, readPalette } from './palette.ts';
import { type Place, type RippleKind, Ripples } from './ripples.ts';
import { drawSprites, type Sprites } from './sprites.ts';

/** Sharper than this costs frames and shows nothing. */
const maxScale = 2;
const worldPerSecond = 3;
/** After a tab has slept, the next frame is no leap. */
const longestFrameSeconds = 0.1;
const rememberedCosts = 240;

interface StageOptions {
  readonly heat: HTMLCanvasElement;
  readonly field: HTMLCanvasElement;
  readonly gridSize: number;
  /** The part of the window that words leave free. */
  readonly findPlate: () => Rect;
}

type Shown = Pick<FieldView, 'memoryParticles' | 'cells'>;

export class Stage {
  readonly #options: StageOptions;
  readonly #context: CanvasRenderingContext2D;
  readonly #heat: HeatLayer;
  readonly #bodies = new Bodies();
  readonly #ripples = new Ripples();
  readonly #stillness = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #costs: number[] = [];
  #palette: Palette;
  #sprites: Sprites;
  #plate: Rect;
  #world: Rect = emptyWorld;
  #worldTarget: Rect = emptyWorld;
  #lastTime = 0;
  #isFirst = true;
  #isStale = true;
  cursor: Point | undefined;

  constructor(options: StageOptions) {
    const context = options.field.getContext('2d');
    if (!context) throw new Error('this browser has no 2D canvas');
    this.#options = options;
    this.#context = context;
    this.#heat = new HeatLayer(options.heat, options.gridSize);
    this.#plate = options.findPlate();
    this.#palette = readPalette(options.field);
    this.#sprites = drawSprites(this.#palette, this.#scale);
    this.resize();
    addEventListener('resize', () => this.resize());
  }

  get view(): View {
    return { plate: this.#plate, world: this.#world };
  }

  /** Milliseconds that the newest frames took to draw. */
  get costs(): readonly number[] {
    return this.#costs;
  }

  show({ memoryParticles, cells }: Shown): void {
    this.#bodies.set(memoryParticles, this.#isFirst);
    this.#worldTarget = fitWorld(
      this.#worldTarget,
      memoryParticles.map(({ position }) => position),
    );
    if (this.#isFirst && memoryParticles.length > 0) {
      this.#world = this.#worldTarget;
      this.#isFirst = false;
    }
    this.#heat.setCells(cells);
    this.#isStale = true;
  }

  ripple(kind: RippleKind, place: Place): void {
    this.#ripples.add(kind, place, performance.now() / 1000);
  }

  heatAt(cell: Point): number {
    return this.#heat.valueAt(cell);
  }

  /** The particle nearest to a point of the screen, no farther than `within` pixels. */
  nearest({ x, y }: Point, within: number): Body | undefined {
    let found: Body | undefined;
    let best = within;
    for (const body of this.#bodies.all) {
      const distance = body.isGone ? Infinity : Math.hypot(body.screenX - x, body.screenY - y);
      if (distance >= best) continue;
      best = distance;
      found = body;
    }
    return found;
  }

  /** Ids of the particles nearest to a position of the world, as they lie on the screen. */
  neighbours(position: Point, count: number, within: number): string[] {
    const from = toScreen(this.view, position);
    return this.#bodies.all
      .filter((body) => !body.isGone)
      .map(({ particle, screenX, screenY }) => ({
        id: particle.id,
        far: Math.hypot(screenX - from.x, screenY - from.y),
      }))
      .filter(({ far }) => far < within)
      .sort((a, b) => a.far - b.far)
      .slice(0, count)
      .map(({ id }) => id);
  }

  /** Takes the colours anew from the style sheet. */
  recolor(): void {
    this.#palette = readPalette(this.#options.field);
    this.#sprites = drawSprites(this.#palette, this.#scale);
    this.#heat.invalidate();
    this.#isStale = true;
  }

  resize(): void {
    this.#plate = this.#options.findPlate();
    for (const canvas of [this.#options.heat, this.#options.field]) {
      canvas.width = Math.round(innerWidth * this.#scale);
      canvas.height = Math.round(innerHeight * this.#scale);
      canvas.getContext('2d')?.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    }
    this.#heat.invalidate();
    this.#isStale = true;
  }

  get #scale(): number {
    return Math.min(maxScale, devicePixelRatio);
  }

  /** One frame. @param now as `requestAnimationFrame` gives it */
  draw(now: number): void {
    const began = performance.now();
    const time = now / 1000;
    const seconds = Math.min(longestFrameSeconds, time - this.#lastTime);
    this.#lastTime = time;
    const isStill = this.#stillness.matches;
    if (isStill && !this.#isStale && this.#ripples.isEmpty) return;
    this.#isStale = false;
    this.#world = approach(this.#world, this.#worldTarget, isStill ? 1 : Math.min(1, seconds * worldPerSecond));
    const { view } = this;
    this.#bodies.move(view, time, seconds, isStill);
    const [palette, sprites, context, { gridSize }] = [this.#palette, this.#sprites, this.#context, this.#options];
    this.#heat.draw({ plate: view.plate, palette, seconds, isStill });
    context.clearRect(0, 0, innerWidth, innerHeight);
    const frame: Frame = { context, view, palette, sprites, time, isStill };
    drawLinks(frame, this.#bodies.links);
    drawBodies(frame, this.#bodies.all);
    const find = (particle: string) => this.#bodies.find(particle);
    this.#ripples.draw(context, { view, gridSize, palette, time, isStill, find });
    if (this.cursor) drawCursor(frame, gridSize, this.cursor);
    this.#costs.push(performance.now() - began);
    if (this.#costs.length > rememberedCosts) this.#costs.shift();
  }

  /** The next frame is drawn even if nothing moves. */
  touch(): void {
    this.#isStale = true;
  }
}

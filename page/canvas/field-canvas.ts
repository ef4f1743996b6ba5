/** The two canvases of the field: accepts states, draws frames, finds the particle at a point. Knows nothing of the network. */
import type { FieldView } from '../../client/types.ts';
import { type AnimatedParticle, AnimatedParticles } from './animated-particles.ts';
import { drawCursor, drawLinks, drawParticles, type Frame } from './draw-frame.ts';
import { emptyWorld, fitWorld, interpolateRect, type Point, type Rect, toScreen, type View } from './geometry.ts';
import { HeatLayer } from './heat-layer.ts';
import { type Palette, readPalette } from './palette.ts';
import { type RippleKind, Ripples, type RippleTarget } from './ripples.ts';
import { drawSprites, type Sprites } from './sprites.ts';

/** Device pixel ratios above 2 lower the frame rate without a visible gain. */
const maxScale = 2;
const worldEaseRate = 3;
/** Caps the time step after the tab was in the background, so that nothing jumps. */
const maxFrameSeconds = 0.1;
const maxFrameTimes = 240;

interface FieldCanvasOptions {
  readonly heat: HTMLCanvasElement;
  readonly field: HTMLCanvasElement;
  readonly gridSize: number;
  /** The part of the window that the surrounding panels leave free. */
  readonly measureViewport: () => Rect;
}

type DrawnState = Pick<FieldView, 'memoryParticles' | 'cells'>;

export class FieldCanvas {
  readonly #options: FieldCanvasOptions;
  readonly #context: CanvasRenderingContext2D;
  readonly #heat: HeatLayer;
  readonly #particles = new AnimatedParticles();
  readonly #ripples = new Ripples();
  readonly #reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #frameTimesMs: number[] = [];
  #palette: Palette;
  #sprites: Sprites;
  #viewport: Rect;
  #world: Rect = emptyWorld;
  #worldTarget: Rect = emptyWorld;
  #lastTime = 0;
  #isFirst = true;
  #isStale = true;
  cursor: Point | undefined;

  constructor(options: FieldCanvasOptions) {
    const context = options.field.getContext('2d');
    if (!context) throw new Error('2D canvas is not supported by this browser');
    this.#options = options;
    this.#context = context;
    this.#heat = new HeatLayer(options.heat, options.gridSize);
    this.#viewport = options.measureViewport();
    this.#palette = readPalette(options.field);
    this.#sprites = drawSprites(this.#palette, this.#scale);
    this.resize();
    addEventListener('resize', () => this.resize());
  }

  get view(): View {
    return { viewport: this.#viewport, world: this.#world };
  }

  /** Drawing times of the latest frames, in ms. */
  get frameTimesMs(): readonly number[] {
    return this.#frameTimesMs;
  }

  setState({ memoryParticles, cells }: DrawnState): void {
    this.#particles.set(memoryParticles, this.#isFirst);
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

  ripple(kind: RippleKind, target: RippleTarget): void {
    this.#ripples.add(kind, target, performance.now() / 1000);
  }

  heatAt(cell: Point): number {
    return this.#heat.valueAt(cell);
  }

  /** The particle nearest to a point of the screen, closer than `maxDistance` pixels. */
  findNearest({ x, y }: Point, maxDistance: number): AnimatedParticle | undefined {
    let found: AnimatedParticle | undefined;
    let best = maxDistance;
    for (const animated of this.#particles.all) {
      const distance = animated.isRemoved ? Infinity : Math.hypot(animated.screenX - x, animated.screenY - y);
      if (distance >= best) continue;
      best = distance;
      found = animated;
    }
    return found;
  }

  /** Ids of the particles nearest to a world position, by distance on the screen, closer than `maxDistance` pixels. */
  findNeighbours(position: Point, count: number, maxDistance: number): string[] {
    const from = toScreen(this.view, position);
    return this.#particles.all
      .filter(({ isRemoved }) => !isRemoved)
      .map(({ particle, screenX, screenY }) => ({
        id: particle.id,
        distance: Math.hypot(screenX - from.x, screenY - from.y),
      }))
      .filter(({ distance }) => distance < maxDistance)
      .sort((a, b) => a.distance - b.distance)
      .slice(0, count)
      .map(({ id }) => id);
  }

  /** Reads the colors from the style sheet again, after a change of the theme. */
  recolor(): void {
    this.#palette = readPalette(this.#options.field);
    this.#sprites = drawSprites(this.#palette, this.#scale);
    this.#heat.invalidate();
    this.#isStale = true;
  }

  resize(): void {
    this.#viewport = this.#options.measureViewport();
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

  /** Draws one frame. @param now the timestamp that `requestAnimationFrame` passes, in ms */
  draw(now: number): void {
    const startedAt = performance.now();
    const time = now / 1000;
    const seconds = Math.min(maxFrameSeconds, time - this.#lastTime);
    this.#lastTime = time;
    const isMotionReduced = this.#reducedMotion.matches;
    if (isMotionReduced && !this.#isStale && this.#ripples.isEmpty) return;
    this.#isStale = false;
    this.#world = interpolateRect(
      this.#world,
      this.#worldTarget,
      isMotionReduced ? 1 : Math.min(1, seconds * worldEaseRate),
    );
    const { view } = this;
    this.#particles.move(view, time, seconds, isMotionReduced);
    const [palette, sprites, context, { gridSize }] = [this.#palette, this.#sprites, this.#context, this.#options];
    this.#heat.draw({ viewport: view.viewport, palette, seconds, isMotionReduced });
    context.clearRect(0, 0, innerWidth, innerHeight);
    const frame: Frame = { context, view, palette, sprites, time, isMotionReduced };
    drawLinks(frame, this.#particles.links);
    drawParticles(frame, this.#particles.all);
    const findParticle = (particle: string) => this.#particles.get(particle);
    this.#ripples.draw(context, { view, gridSize, palette, time, isMotionReduced, findParticle });
    if (this.cursor) drawCursor(frame, gridSize, this.cursor);
    this.#frameTimesMs.push(performance.now() - startedAt);
    if (this.#frameTimesMs.length > maxFrameTimes) this.#frameTimesMs.shift();
  }

  /** With reduced motion, frames are skipped while nothing changes; this forces the next one. */
  requestRedraw(): void {
    this.#isStale = true;
  }
}

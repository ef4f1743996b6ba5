/** The two canvases of the field: accepts states, draws frames, and finds the particle at a point. Independent of the network. */
import type { FieldView } from '../../client/types.ts';
import { Drift } from '../frames/drift.ts';
import { FrameTimes } from '../frames/frame-times.ts';
import { type Point, toScreen, type View } from '../viewport/geometry.ts';
import type { Viewport } from '../viewport/viewport.ts';
import { type AnimatedParticle, AnimatedParticles } from './animated-particles.ts';
import { Cursors, type Pointer } from './cursors.ts';
import { drawCursor, drawLinks, drawParticles, type Frame } from './draw-frame.ts';
import { HeatLayer } from './heat-layer.ts';
import { drawLand } from './land-layer.ts';
import { type Palette, readPalette } from './palette.ts';
import { type RippleKind, Ripples, type RippleTarget } from './ripples.ts';
import { drawSprites, type Sprites } from './sprites.ts';

/** Device pixel ratios above 2 lower the frame rate without a visible gain. */
const maxScale = 2;
/** Caps the time step after a pause, so that nothing jumps. */
export const maxFrameSeconds = 0.1;

interface FieldCanvasOptions {
  readonly heat: HTMLCanvasElement;
  readonly field: HTMLCanvasElement;
  readonly gridSize: number;
  readonly viewport: Viewport;
  /** Called when there is something to draw. */
  readonly requestFrame: () => void;
}

type DrawnState = Pick<FieldView, 'memoryParticles' | 'cells' | 'region'>;

export class FieldCanvas {
  readonly #options: FieldCanvasOptions;
  readonly #context: CanvasRenderingContext2D;
  readonly #heatContext: CanvasRenderingContext2D;
  readonly #heat: HeatLayer;
  readonly #particles = new AnimatedParticles();
  readonly #ripples = new Ripples();
  readonly #cursors = new Cursors();
  readonly #drift = new Drift();
  readonly #reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
  readonly frameTimes = new FrameTimes();
  #palette: Palette;
  #sprites: Sprites;
  #land: Path2D | undefined;
  #cursor: Point | undefined;
  #lastTime = 0;
  #isFirst = true;
  #isHeatStale = true;

  constructor(options: FieldCanvasOptions) {
    this.#options = options;
    this.#context = contextOf(options.field);
    this.#heatContext = contextOf(options.heat);
    this.#heat = new HeatLayer(options.gridSize);
    this.#palette = readPalette(options.field);
    this.#sprites = drawSprites(this.#palette, this.#scale);
    this.resize();
    addEventListener('resize', () => this.resize());
    options.viewport.onChange(() => this.requestRedraw());
    this.#reducedMotion.addEventListener('change', () => this.requestRedraw());
  }

  get view(): View {
    return this.#options.viewport.view;
  }

  /** The strength of idle motion, from 0 to 1: see `Drift`. */
  get drift(): number {
    return this.#drift.value;
  }

  /** The keyboard cursor in field coordinates; undefined while it is not shown. */
  set cursor(point: Point | undefined) {
    this.#cursor = point;
    this.requestRedraw();
  }

  /** The outline of the land, in field coordinates. */
  set land(path: Path2D | undefined) {
    this.#land = path;
    this.#isHeatStale = true;
    this.requestRedraw();
  }

  setState({ memoryParticles, cells, region }: DrawnState): void {
    const { viewport } = this.#options;
    viewport.setPoints(
      memoryParticles.map(({ position }) => position),
      region !== undefined,
    );
    this.#particles.set(memoryParticles, viewport.extent, this.#isFirst);
    if (this.#isFirst && memoryParticles.length > 0) {
      viewport.jump();
      this.#isFirst = false;
    }
    this.#heat.setCells(cells);
    this.requestRedraw();
  }

  setPointers(pointers: readonly Pointer[]): void {
    if (this.#cursors.set(pointers)) this.requestRedraw();
  }

  ripple(kind: RippleKind, target: RippleTarget): void {
    this.#ripples.add(kind, target, performance.now() / 1000);
    this.requestRedraw();
  }

  heatAt(cell: Point): number {
    return this.#heat.valueAt(cell);
  }

  /** The particle nearest to a point of the screen, if it is closer than `maxDistance` pixels. */
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

  /** The position at which a particle is currently drawn. */
  findOnScreen(id: string): Point | undefined {
    const animated = this.#particles.get(id);
    return animated && !animated.isRemoved ? { x: animated.screenX, y: animated.screenY } : undefined;
  }

  /** Ids of the particles nearest to a position, by distance on the screen, closer than `maxDistance` pixels. */
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
    this.#cursors.invalidate();
    this.#heat.recolor();
    this.#isHeatStale = true;
    this.requestRedraw();
  }

  resize(): void {
    this.#options.viewport.resize();
    for (const { canvas } of [this.#heatContext, this.#context]) {
      canvas.width = Math.round(innerWidth * this.#scale);
      canvas.height = Math.round(innerHeight * this.#scale);
      canvas.getContext('2d')?.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    }
    this.#cursors.invalidate();
    this.#isHeatStale = true;
    this.requestRedraw();
  }

  get #scale(): number {
    return Math.min(maxScale, devicePixelRatio);
  }

  /** Requests a frame after a change or an input, and keeps the idle motion going for some time. */
  requestRedraw(): void {
    this.#drift.wake(performance.now() / 1000);
    this.#options.requestFrame();
  }

  /** Draws one frame. @param now in ms, as `requestAnimationFrame` passes it @returns whether anything still moves */
  draw(now: number): boolean {
    const startedAt = performance.now();
    const time = now / 1000;
    const seconds = Math.min(maxFrameSeconds, Math.max(0, time - this.#lastTime));
    this.#lastTime = time;
    const isMotionReduced = this.#reducedMotion.matches;
    this.#drift.step(time, seconds, isMotionReduced);
    const drift = this.#drift.value;
    const { viewport } = this.#options;
    const hasViewChanged = viewport.step(seconds, isMotionReduced);
    const step = { view: viewport.view, time, seconds, isMotionReduced, drift };
    const isAnyMoving = this.#particles.move(step);
    const hasHeatChanged = this.#heat.step(seconds, isMotionReduced);
    if (hasViewChanged || hasHeatChanged || this.#isHeatStale) this.#drawHeat();
    const isCursorMoving = this.#drawField({ ...step, zoom: viewport.zoom });
    this.frameTimes.add(performance.now() - startedAt);
    const isDrifting = drift > 0 && (this.#particles.hasOrbits || this.#particles.links.length > 0);
    return (
      hasViewChanged || isAnyMoving || this.#heat.isMoving || isCursorMoving || isDrifting || !this.#ripples.isEmpty
    );
  }

  #drawHeat(): void {
    const [context, { view }, palette] = [this.#heatContext, this, this.#palette];
    this.#isHeatStale = false;
    context.clearRect(0, 0, innerWidth, innerHeight);
    if (this.#land) drawLand(context, view, palette, this.#land);
    this.#heat.draw(context, view, palette);
  }

  /** @returns whether the cursor of another device is still moving */
  #drawField(step: Pick<Frame, 'view' | 'time' | 'zoom' | 'isMotionReduced' | 'drift'> & { seconds: number }): boolean {
    const [context, palette, { viewport }] = [this.#context, this.#palette, this.#options];
    context.clearRect(0, 0, innerWidth, innerHeight);
    const frame: Frame = { ...step, context, palette, sprites: this.#sprites, width: innerWidth, height: innerHeight };
    drawLinks(frame, this.#particles.links);
    this.frameTimes.particles = drawParticles(frame, this.#particles.all);
    const findParticle = (particle: string) => this.#particles.get(particle);
    this.#ripples.draw(context, { ...step, frame: viewport.frame, palette, findParticle });
    if (this.#cursor) drawCursor(frame, this.#cursor);
    return this.#cursors.draw(context, { ...step, palette, scale: this.#scale });
  }
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('2D canvas is not supported by this browser');
  return context;
}

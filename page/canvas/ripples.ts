/** Expanding rings that mark where something has happened. */
import { cellCenter, type Point, type Rect, type View } from '../viewport/geometry.ts';
import type { AnimatedParticle } from './animated-particles.ts';
import { type Palette, toCssColor } from './palette.ts';

/** `write`: a particle or cell was written; `conflict`: two devices wrote it concurrently; `event`: the whole field changed. */
export type RippleKind = 'write' | 'conflict' | 'event';

/** A particle by its id, a cell as `"x,y"`, or the whole field. */
export type RippleTarget = { readonly particle: string } | { readonly cell: string } | 'field';

interface Ripple {
  readonly kind: RippleKind;
  readonly target: RippleTarget;
  readonly startSeconds: number;
}

const durationSeconds: Readonly<Record<RippleKind, number>> = { write: 1.1, conflict: 3.2, event: 2.4 };
/** Ripples beyond this count are dropped: more are not distinguishable. */
const maxRipples = 48;

export class Ripples {
  #ripples: Ripple[] = [];

  add(kind: RippleKind, target: RippleTarget, startSeconds: number): void {
    if (this.#ripples.length < maxRipples) this.#ripples.push({ kind, target, startSeconds });
  }

  get isEmpty(): boolean {
    return this.#ripples.length === 0;
  }

  draw(context: CanvasRenderingContext2D, frame: RippleFrame): void {
    this.#ripples = this.#ripples.filter(({ kind, startSeconds }) => frame.time - startSeconds < durationSeconds[kind]);
    for (const ripple of this.#ripples) drawRipple(context, ripple, frame);
  }
}

interface RippleFrame {
  readonly findParticle: (particle: string) => AnimatedParticle | undefined;
  readonly view: View;
  /** The part of the window that an event fills. */
  readonly frame: Rect;
  readonly palette: Palette;
  readonly time: number;
  /** Rings keep their size and only fade. */
  readonly isMotionReduced: boolean;
}

function drawRipple(
  context: CanvasRenderingContext2D,
  { kind, target, startSeconds }: Ripple,
  frame: RippleFrame,
): void {
  const { palette } = frame;
  const age = (frame.time - startSeconds) / durationSeconds[kind];
  const growth = frame.isMotionReduced ? 0.5 : 1 - (1 - age) ** 3;
  const center = centerOf(target, frame);
  if (!center) return;
  const color = kind === 'conflict' ? palette.alarm : kind === 'event' ? palette.warm : palette.cool;
  const rings = kind === 'write' ? 1 : 3;
  const radius =
    kind === 'event' ? Math.hypot(frame.frame.width, frame.frame.height) * 0.55 : kind === 'conflict' ? 46 : 30;
  context.lineWidth = kind === 'event' ? 1.4 : 1.2;
  for (let ring = 0; ring < rings; ring += 1) {
    context.strokeStyle = toCssColor(color, (1 - age) ** 1.6 * (0.75 - ring * 0.2));
    context.beginPath();
    context.arc(center.x, center.y, Math.max(1, radius * growth * (1 - ring * 0.22)), 0, 2 * Math.PI);
    context.stroke();
  }
}

/** Undefined if the particle no longer exists. */
function centerOf(target: RippleTarget, { view, frame, findParticle }: RippleFrame): Point | undefined {
  if (target === 'field') {
    const { x, y, width, height } = frame;
    return { x: x + width / 2, y: y + height / 2 };
  }
  if ('cell' in target) {
    const [x = 0, y = 0] = target.cell.split(',').map(Number);
    return cellCenter(view, { x, y });
  }
  const animated = findParticle(target.particle);
  return animated && { x: animated.screenX, y: animated.screenY };
}

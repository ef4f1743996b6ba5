/** Draws the links, particles and keyboard cursor of one frame. Has no state and does no animation of its own. */
import type { AnimatedParticle, Link } from './animated-particles.ts';
import { cellCenter, type Point, type View } from './geometry.ts';
import { type Palette, toCssColor } from './palette.ts';
import { type Sprites, spriteRadius } from './sprites.ts';

export interface Frame {
  readonly context: CanvasRenderingContext2D;
  readonly view: View;
  readonly palette: Palette;
  readonly sprites: Sprites;
  readonly time: number;
  readonly isMotionReduced: boolean;
}

/** Upper bound on the light pulses along crystal links; more only flicker. */
const maxPulses = 90;
/** Above this many particles, sprites shrink with the square root of the excess, so that they do not cover each other. */
const fullSizeCount = 160;
const minScale = 0.46;

export function drawLinks({ context, palette, time, isMotionReduced }: Frame, links: readonly Link[]): void {
  context.lineWidth = 1;
  const plain = palette.isDark ? toCssColor(palette.text, 0.14) : toCssColor(palette.text, 0.2);
  const crystal = toCssColor(palette.warm, palette.isDark ? 0.42 : 0.5);
  for (const isCrystal of [false, true]) {
    context.strokeStyle = isCrystal ? crystal : plain;
    context.beginPath();
    for (const link of links) if (link.isCrystal === isCrystal) traceLink(context, link);
    context.stroke();
  }
  if (isMotionReduced) return;
  context.fillStyle = toCssColor(palette.warm, 0.9);
  context.beginPath();
  let pulses = 0;
  for (const { from, to, isCrystal } of links) {
    if (!isCrystal) continue;
    const progress = (time * 0.22 + from.phase) % 1;
    const { x, y } = pointOn(from, to, progress < 0 ? progress + 1 : progress);
    context.moveTo(x + 1.3, y);
    context.arc(x, y, 1.3, 0, 2 * Math.PI);
    pulses += 1;
    if (pulses === maxPulses) break;
  }
  context.fill();
}

/** Links are shallow arcs, which are easier to follow among many particles than straight lines. */
function controlPointOf(from: AnimatedParticle, to: AnimatedParticle): Point {
  const [dx, dy] = [to.screenX - from.screenX, to.screenY - from.screenY];
  return { x: (from.screenX + to.screenX) / 2 - dy * 0.09, y: (from.screenY + to.screenY) / 2 + dx * 0.09 };
}

function traceLink(context: CanvasRenderingContext2D, { from, to }: Link): void {
  const control = controlPointOf(from, to);
  context.moveTo(from.screenX, from.screenY);
  context.quadraticCurveTo(control.x, control.y, to.screenX, to.screenY);
}

function pointOn(from: AnimatedParticle, to: AnimatedParticle, t: number): Point {
  const control = controlPointOf(from, to);
  const bezier = (a: number, b: number, c: number) => (1 - t) ** 2 * a + 2 * (1 - t) * t * b + t ** 2 * c;
  return { x: bezier(from.screenX, control.x, to.screenX), y: bezier(from.screenY, control.y, to.screenY) };
}

export function drawParticles(frame: Frame, animatedParticles: readonly AnimatedParticle[]): void {
  const { context, palette } = frame;
  const scale = Math.max(minScale, Math.sqrt(Math.min(1, fullSizeCount / Math.max(1, animatedParticles.length))));
  for (const animated of animatedParticles) if (!animated.particle.crystallized) drawParticle(frame, animated, scale);
  // Only crystals use the additive blend mode: many overlapping ordinary particles would saturate to white.
  context.globalCompositeOperation = palette.blendMode;
  for (const animated of animatedParticles) if (animated.particle.crystallized) drawParticle(frame, animated, scale);
  context.globalCompositeOperation = 'source-over';
  context.globalAlpha = 1;
}

function drawParticle(
  { context, sprites, time, isMotionReduced }: Frame,
  animated: AnimatedParticle,
  scale: number,
): void {
  const { resonance, crystallized } = animated.particle;
  const pulse = isMotionReduced ? 1 : 1 + 0.06 * Math.sin(time * 1.3 + animated.phase * 5);
  const size = (0.3 + resonance * 0.6) * scale * pulse * easeOut(animated.visibility);
  const radius = spriteRadius * (crystallized ? Math.max(0.6, size * 1.25) : size);
  context.globalAlpha = animated.visibility * (crystallized ? 1 : 0.55 + 0.45 * resonance);
  const sprite = crystallized ? sprites.crystal(resonance) : sprites.glow(resonance);
  context.drawImage(sprite, animated.screenX - radius, animated.screenY - radius, radius * 2, radius * 2);
}

function easeOut(progress: number): number {
  return 1 - (1 - progress) ** 3;
}

/** The keyboard cursor: the corners of its cell. */
export function drawCursor({ context, view, palette }: Frame, gridSize: number, cell: Point): void {
  const { x, y } = cellCenter(view, gridSize, cell);
  const halfWidth = Math.max(9, view.viewport.width / gridSize / 2);
  const halfHeight = Math.max(9, view.viewport.height / gridSize / 2);
  context.strokeStyle = toCssColor(palette.cool, 1);
  context.lineWidth = 2;
  context.beginPath();
  for (const [sideX, sideY] of [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ] as const) {
    const [cornerX, cornerY] = [x + sideX * halfWidth, y + sideY * halfHeight];
    context.moveTo(cornerX - sideX * halfWidth * 0.5, cornerY);
    context.lineTo(cornerX, cornerY);
    context.lineTo(cornerX, cornerY - sideY * halfHeight * 0.5);
  }
  context.stroke();
}

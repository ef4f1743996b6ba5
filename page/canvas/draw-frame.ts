/**
 * Draws the links, particles and keyboard cursor of one frame. Has no state and does no animation of its own. Code that runs for
 * every particle or link allocates nothing and skips those outside the window.
 */
import { type Point, toScreen, type View } from '../viewport/geometry.ts';
import type { AnimatedParticle, Link } from './animated-particles.ts';
import { type Palette, toCssColor } from './palette.ts';
import { type Sprites, spriteRadius } from './sprites.ts';

export interface Frame {
  readonly context: CanvasRenderingContext2D;
  readonly view: View;
  /** The size of the window in CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** The magnification relative to the view that shows everything. */
  readonly zoom: number;
  readonly palette: Palette;
  readonly sprites: Sprites;
  readonly time: number;
  readonly isMotionReduced: boolean;
  /** The strength of idle motion, from 0 (none) to 1: see `Drift`. */
  readonly drift: number;
}

/** Upper bound on the light pulses along crystal links; more only flicker. */
const maxPulses = 90;
/** Above this many particles in the window, sprites shrink with the square root of the excess, to limit overlap. */
const fullSizeCount = 160;
const minScale = 0.46;
/** The ratio of a link's height to its length. Shallow arcs are easier to follow among many particles than straight lines. */
const bend = 0.09;
const minCursorSize = 9;

export function drawLinks(frame: Frame, links: readonly Link[]): void {
  const { context, palette, drift } = frame;
  context.lineWidth = 1;
  const firstCrystal = links.findIndex(({ isCrystal }) => isCrystal);
  const crystalsFrom = firstCrystal < 0 ? links.length : firstCrystal;
  context.strokeStyle = palette.isDark ? toCssColor(palette.text, 0.14) : toCssColor(palette.text, 0.2);
  strokeLinks(frame, links, 0, crystalsFrom);
  context.strokeStyle = toCssColor(palette.warm, palette.isDark ? 0.42 : 0.5);
  strokeLinks(frame, links, crystalsFrom, links.length);
  if (drift > 0) drawPulses(frame, links, crystalsFrom);
}

function strokeLinks({ context, width, height }: Frame, links: readonly Link[], from: number, end: number): void {
  if (from === end) return;
  context.beginPath();
  for (let index = from; index < end; index += 1) {
    const link = links[index] as Link;
    const { screenX: ax, screenY: ay } = link.from;
    const { screenX: bx, screenY: by } = link.to;
    if ((ax < 0 && bx < 0) || (ay < 0 && by < 0) || (ax > width && bx > width) || (ay > height && by > height))
      continue;
    context.moveTo(ax, ay);
    context.quadraticCurveTo((ax + bx) / 2 - (by - ay) * bend, (ay + by) / 2 + (bx - ax) * bend, bx, by);
  }
  context.stroke();
}

/** Draws points of light that run along the links of crystals. */
function drawPulses({ context, palette, time, drift }: Frame, links: readonly Link[], from: number): void {
  const end = Math.min(links.length, from + maxPulses);
  context.fillStyle = toCssColor(palette.warm, 0.9 * drift);
  context.beginPath();
  for (let index = from; index < end; index += 1) {
    const link = links[index] as Link;
    const { screenX: ax, screenY: ay, phase } = link.from;
    const { screenX: bx, screenY: by } = link.to;
    const progress = (((time * 0.22 + phase) % 1) + 1) % 1;
    const rest = 1 - progress;
    const [start, middle, last] = [rest * rest, 2 * rest * progress, progress * progress];
    const x = start * ax + middle * ((ax + bx) / 2 - (by - ay) * bend) + last * bx;
    const y = start * ay + middle * ((ay + by) / 2 + (bx - ax) * bend) + last * by;
    context.moveTo(x + 1.3, y);
    context.arc(x, y, 1.3, 0, 2 * Math.PI);
  }
  context.fill();
}

/** @param particles ordinary ones first, then crystals @returns how many were inside the window */
export function drawParticles(frame: Frame, particles: readonly AnimatedParticle[]): number {
  const { context, palette, zoom, width, height } = frame;
  const crowd = particles.length / Math.max(1, zoom);
  const scale = Math.max(minScale, Math.sqrt(Math.min(1, fullSizeCount / Math.max(1, crowd))));
  let drawn = 0;
  let isAdditive = false;
  for (const animated of particles) {
    const { screenX, screenY } = animated;
    const isInside =
      screenX > -spriteRadius &&
      screenY > -spriteRadius &&
      screenX < width + spriteRadius &&
      screenY < height + spriteRadius;
    if (!isInside) continue;
    // Only crystals use the additive blend mode: many overlapping ordinary particles would saturate to white.
    if (animated.particle.crystallized && !isAdditive) {
      context.globalCompositeOperation = palette.blendMode;
      isAdditive = true;
    }
    drawParticle(frame, animated, scale);
    drawn += 1;
  }
  context.globalCompositeOperation = 'source-over';
  context.globalAlpha = 1;
  return drawn;
}

function drawParticle({ context, sprites }: Frame, animated: AnimatedParticle, scale: number): void {
  const { particle, visibility, screenX, screenY } = animated;
  const { resonance, crystallized } = particle;
  const hidden = 1 - visibility;
  const size = (0.3 + resonance * 0.6) * scale * (1 - hidden * hidden * hidden);
  const radius = spriteRadius * (crystallized ? Math.max(0.6, size * 1.25) : size);
  context.globalAlpha = visibility * (crystallized ? 1 : 0.55 + 0.45 * resonance);
  const sprite = crystallized ? sprites.crystal(resonance) : sprites.glow(resonance);
  context.drawImage(sprite, screenX - radius, screenY - radius, radius * 2, radius * 2);
}

/** The keyboard cursor: the corners of a square around a point of the field, as large as a cell. */
export function drawCursor({ context, view, palette }: Frame, point: Point): void {
  const { x, y } = toScreen(view, point);
  const half = Math.max(minCursorSize, view.scale / 2);
  context.strokeStyle = toCssColor(palette.cool, 1);
  context.lineWidth = 2;
  context.beginPath();
  for (const [sideX, sideY] of [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ] as const) {
    const [cornerX, cornerY] = [x + sideX * half, y + sideY * half];
    context.moveTo(cornerX - sideX * half * 0.5, cornerY);
    context.lineTo(cornerX, cornerY);
    context.lineTo(cornerX, cornerY - sideY * half * 0.5);
  }
  context.stroke();
}

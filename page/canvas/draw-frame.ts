/** One frame of the living layer: lines, particles, the cursor. Draws what it is given and decides nothing. */
import type { Body, Link } from './animated-particles.ts';
import { cellCenter, type Point, type View } from './geometry.ts';
import { css, type Palette } from './palette.ts';
import { type Sprites, spriteRadius } from './sprites.ts';

export interface Frame {
  readonly context: CanvasRenderingContext2D;
  readonly view: View;
  readonly palette: Palette;
  readonly sprites: Sprites;
  readonly time: number;
  readonly isStill: boolean;
}

/** Pulses of light on the lines of crystals; more would only flicker. */
const maxPulses = 90;
/** A crowd is drawn smaller: above this many particles, by the root of how many more there are. */
const crowd = 160;
const smallest = 0.46;

export function drawLinks({ context, palette, time, isStill }: Frame, links: readonly Link[]): void {
  context.lineWidth = 1;
  const plain = palette.isDark ? css(palette.text, 0.14) : css(palette.text, 0.2);
  const crystal = css(palette.warm, palette.isDark ? 0.42 : 0.5);
  for (const isCrystal of [false, true]) {
    context.strokeStyle = isCrystal ? crystal : plain;
    context.beginPath();
    for (const link of links) if (link.isCrystal === isCrystal) traceLink(context, link);
    context.stroke();
  }
  if (isStill) return;
  context.fillStyle = css(palette.warm, 0.9);
  context.beginPath();
  let pulses = 0;
  for (const { from, to, isCrystal } of links) {
    if (!isCrystal) continue;
    const share = (time * 0.22 + from.phase) % 1;
    const { x, y } = pointOn(from, to, share < 0 ? share + 1 : share);
    context.moveTo(x + 1.3, y);
    context.arc(x, y, 1.3, 0, 2 * Math.PI);
    pulses += 1;
    if (pulses === maxPulses) break;
  }
  context.fill();
}

/** A shallow arc: the eye follows it better than a straight line through a crowd. */
function bendOf(from: Body, to: Body): Point {
  const [dx, dy] = [to.screenX - from.screenX, to.screenY - from.screenY];
  return { x: (from.screenX + to.screenX) / 2 - dy * 0.09, y: (from.screenY + to.screenY) / 2 + dx * 0.09 };
}

function traceLink(context: CanvasRenderingContext2D, { from, to }: Link): void {
  const bend = bendOf(from, to);
  context.moveTo(from.screenX, from.screenY);
  context.quadraticCurveTo(bend.x, bend.y, to.screenX, to.screenY);
}

function pointOn(from: Body, to: Body, t: number): Point {
  const bend = bendOf(from, to);
  const mix = (a: number, b: number, c: number) => (1 - t) ** 2 * a + 2 * (1 - t) * t * b + t ** 2 * c;
  return { x: mix(from.screenX, bend.x, to.screenX), y: mix(from.screenY, bend.y, to.screenY) };
}

export function drawBodies(frame: Frame, bodies: readonly Body[]): void {
  const { context, palette } = frame;
  const scale = Math.max(smallest, Math.sqrt(Math.min(1, crowd / Math.max(1, bodies.length))));
  for (const body of bodies) if (!body.particle.crystallized) drawBody(frame, body, scale);
  // Only crystals shine through each other; a crowd of lesser lights would burn into one white patch.
  context.globalCompositeOperation = palette.blend;
  for (const body of bodies) if (body.particle.crystallized) drawBody(frame, body, scale);
  context.globalCompositeOperation = 'source-over';
  context.globalAlpha = 1;
}

function drawBody({ context, sprites, time, isStill }: Frame, body: Body, scale: number): void {
  const { resonance, crystallized } = body.particle;
  const breath = isStill ? 1 : 1 + 0.06 * Math.sin(time * 1.3 + body.phase * 5);
  const size = (0.3 + resonance * 0.6) * scale * breath * easeOut(body.presence);
  const radius = spriteRadius * (crystallized ? Math.max(0.6, size * 1.25) : size);
  context.globalAlpha = body.presence * (crystallized ? 1 : 0.55 + 0.45 * resonance);
  const sprite = crystallized ? sprites.crystal(resonance) : sprites.glow(resonance);
  context.drawImage(sprite, body.screenX - radius, body.screenY - radius, radius * 2, radius * 2);
}

function easeOut(share: number): number {
  return 1 - (1 - share) ** 3;
}

/** Where the keyboard is: the corners of its cell. */
export function drawCursor({ context, view, palette }: Frame, gridSize: number, cell: Point): void {
  const { x, y } = cellCenter(view, gridSize, cell);
  const halfWidth = Math.max(9, view.plate.width / gridSize / 2);
  const halfHeight = Math.max(9, view.plate.height / gridSize / 2);
  context.strokeStyle = css(palette.cool, 1);
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

/** Pre-rendered sprites of plain and crystallized particles, one per resonance step, so that a frame only copies bitmaps. */
import { colorAt, type Palette, type Rgb, toCssColor } from './palette.ts';

const resonanceSteps = 12;
/** Half the side of a sprite, in CSS pixels. */
export const spriteRadius = 40;

export interface Sprites {
  glow(resonance: number): ImageBitmap;
  crystal(resonance: number): ImageBitmap;
}

export function drawSprites(palette: Palette, scale: number): Sprites {
  const glows = Array.from({ length: resonanceSteps }, (_, step) => drawGlow(colorOf(palette, step), palette, scale));
  const crystals = Array.from({ length: resonanceSteps }, (_, step) =>
    drawCrystal(colorOf(palette, step), palette, scale),
  );
  const pick = (from: readonly ImageBitmap[]) => (resonance: number) => {
    const sprite = from[Math.min(resonanceSteps - 1, Math.floor(resonance * resonanceSteps))];
    if (!sprite) throw new Error('resonance is out of range (0 to 1)');
    return sprite;
  };
  return { glow: pick(glows), crystal: pick(crystals) };
}

function colorOf(palette: Palette, step: number): Rgb {
  return colorAt(palette.glow, step / (resonanceSteps - 1));
}

function createSpriteCanvas(scale: number) {
  const canvas = new OffscreenCanvas(spriteRadius * 2 * scale, spriteRadius * 2 * scale);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('2D canvas is not supported by this browser');
  context.scale(scale, scale);
  context.translate(spriteRadius, spriteRadius);
  return { canvas, context };
}

function drawHalo(context: OffscreenCanvasRenderingContext2D, color: Rgb, strength: number, radius: number): void {
  const halo = context.createRadialGradient(0, 0, 0, 0, 0, radius);
  halo.addColorStop(0, toCssColor(color, strength));
  halo.addColorStop(0.25, toCssColor(color, strength * 0.42));
  halo.addColorStop(0.55, toCssColor(color, strength * 0.12));
  halo.addColorStop(1, toCssColor(color, 0));
  context.fillStyle = halo;
  context.fillRect(-radius, -radius, radius * 2, radius * 2);
}

function drawGlow(color: Rgb, palette: Palette, scale: number): ImageBitmap {
  const { canvas, context } = createSpriteCanvas(scale);
  drawHalo(context, color, palette.isDark ? 0.42 : 0.3, spriteRadius);
  context.fillStyle = toCssColor(palette.isDark ? lighten(color, 0.22) : color, 0.9);
  context.beginPath();
  context.arc(0, 0, spriteRadius * 0.17, 0, 2 * Math.PI);
  context.fill();
  return canvas.transferToImageBitmap();
}

/** A hexagon with a wider halo and six rays. */
function drawCrystal(color: Rgb, palette: Palette, scale: number): ImageBitmap {
  const { canvas, context } = createSpriteCanvas(scale);
  drawHalo(context, color, palette.isDark ? 0.6 : 0.42, spriteRadius);
  const bright = palette.isDark ? lighten(color, 0.7) : color;
  for (let ray = 0; ray < 6; ray += 1) {
    context.save();
    context.rotate((ray * Math.PI) / 3);
    const beam = context.createLinearGradient(0, 0, 0, -spriteRadius * 0.95);
    beam.addColorStop(0, toCssColor(bright, 0.9));
    beam.addColorStop(1, toCssColor(bright, 0));
    context.fillStyle = beam;
    context.beginPath();
    context.moveTo(-1.6, 0);
    context.lineTo(0, -spriteRadius * 0.95);
    context.lineTo(1.6, 0);
    context.fill();
    context.restore();
  }
  context.fillStyle = toCssColor(bright, 1);
  traceHexagon(context, spriteRadius * 0.23);
  context.fill();
  context.strokeStyle = toCssColor(bright, 0.55);
  context.lineWidth = 1;
  traceHexagon(context, spriteRadius * 0.4);
  context.stroke();
  return canvas.transferToImageBitmap();
}

function traceHexagon(context: OffscreenCanvasRenderingContext2D, radius: number): void {
  context.beginPath();
  for (let corner = 0; corner < 6; corner += 1) {
    const angle = (corner * Math.PI) / 3 - Math.PI / 2;
    context.lineTo(radius * Math.cos(angle), radius * Math.sin(angle));
  }
  context.closePath();
}

function lighten([red, green, blue]: Rgb, ratio: number): Rgb {
  const lightenChannel = (value: number) => Math.round(value + (255 - value) * ratio);
  return [lightenChannel(red), lightenChannel(green), lightenChannel(blue)];
}

/** Draws a small picture of a state: heat as squares, particles as points of light. */
import { colorAt, readPalette, toCssColor } from '../canvas/palette.ts';
import { fitExtent, gridExtent } from '../viewport/extent.ts';
import { fitView, toScreen } from '../viewport/geometry.ts';

/** The part of a state that is drawn. */
export interface PicturedState {
  readonly memoryParticles: readonly {
    readonly position: { readonly x: number; readonly y: number };
    readonly resonance: number;
  }[];
  readonly cells: Readonly<Record<string, number>>;
}

export function drawPicture(canvas: HTMLCanvasElement, { memoryParticles, cells }: PicturedState): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const palette = readPalette(document.documentElement);
  const gridSize = Number(document.documentElement.dataset.gridSize);
  const { width, height } = canvas;
  const positions = memoryParticles.map(({ position }) => position);
  const extent = fitExtent(gridExtent(gridSize), gridSize, positions);
  const view = fitView({ x: 0, y: 0, width, height }, extent);
  context.globalCompositeOperation = 'source-over';
  context.clearRect(0, 0, width, height);
  for (const [key, value] of Object.entries(cells)) {
    if (value <= 0) continue;
    const [x = 0, y = 0] = key.split(',').map(Number);
    const corner = toScreen(view, { x, y: y + 1 });
    context.fillStyle = toCssColor(colorAt(palette.heat, value), 0.25 + 0.7 * value);
    // A little larger than the cell, so that no lines show between neighbours.
    context.fillRect(corner.x, corner.y, view.scale + 0.5, view.scale + 0.5);
  }
  context.globalCompositeOperation = palette.blendMode;
  for (const { position, resonance } of memoryParticles) {
    const { x, y } = toScreen(view, position);
    const radius = 1 + 2.5 * resonance ** 2;
    drawDot(context, x, y, radius * 2.6, toCssColor(colorAt(palette.glow, resonance), 0.16));
    drawDot(context, x, y, radius, toCssColor(colorAt(palette.glow, resonance), 0.95));
  }
}

function drawDot(context: CanvasRenderingContext2D, x: number, y: number, radius: number, color: string): void {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

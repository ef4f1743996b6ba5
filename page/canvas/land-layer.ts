/** Draws the outline of the land below a field whose coordinates are longitudes and latitudes. */
import type { View } from '../viewport/geometry.ts';
import { type Palette, toCssColor } from './palette.ts';

export function drawLand(context: CanvasRenderingContext2D, view: View, palette: Palette, land: Path2D): void {
  context.save();
  context.translate(view.originX, view.originY);
  context.scale(view.scale, -view.scale);
  context.beginPath();
  context.rect(-180, -90, 360, 180);
  context.clip();
  context.fillStyle = toCssColor(palette.text, palette.isDark ? 0.035 : 0.05);
  context.fill(land);
  context.strokeStyle = toCssColor(palette.text, palette.isDark ? 0.24 : 0.32);
  context.lineWidth = 0.8 / view.scale;
  context.stroke(land);
  context.restore();
}

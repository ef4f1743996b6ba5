/** Draws the canvases into one, over the page's background and with a caption that names the field, time and version. */
import { formatMoment } from '../timeline/format-time.ts';
import type { ExportSource } from './export-source.ts';

export function compose(target: HTMLCanvasElement, { field, layers, shown }: ExportSource): void {
  const [first] = layers;
  if (!first) return;
  const { width, height } = first;
  if (target.width !== width || target.height !== height) Object.assign(target, { width, height });
  const context = target.getContext('2d');
  if (!context) throw new Error('2D canvas is not supported by this browser');
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue('--ground');
  context.fillRect(0, 0, width, height);
  for (const layer of layers) context.drawImage(layer, 0, 0);
  const scale = width / innerWidth;
  const { version, time } = shown();
  context.fillStyle = style.getPropertyValue('--text-soft');
  context.font = `${13 * scale}px system-ui, sans-serif`;
  const moment = time > 0 ? ` · ${formatMoment(time)}` : '';
  context.fillText(`${field}${moment} · version ${version}`, 16 * scale, height - 16 * scale);
}

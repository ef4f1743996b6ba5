/** The marks below the slider: conflicts, events, and the time at a few places. Decorative, since buttons reach each mark. */
import { readPalette, toCssColor } from '../canvas/palette.ts';
import type { Mark } from './log-index.ts';

const height = 18;
const minLabelDistance = 90;
/** The thumb's center is half its width inside the slider's ends. */
const thumbRadius = 7;
const clockFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });

export interface TickRange {
  readonly oldest: number;
  readonly latest: number;
  readonly marks: readonly Mark[];
  readonly timeOf: (version: number) => number | undefined;
}

export function drawTicks(canvas: HTMLCanvasElement, { oldest, latest, marks, timeOf }: TickRange): void {
  const scale = Math.min(2, devicePixelRatio);
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (!context || width === 0 || latest <= oldest) return;
  context.scale(scale, scale);
  const palette = readPalette(canvas);
  const xOf = (version: number) => thumbRadius + ((version - oldest) / (latest - oldest)) * (width - 2 * thumbRadius);
  for (const { version, kind } of marks) {
    context.fillStyle = toCssColor(kind === 'conflict' ? palette.alarm : palette.warm);
    context.fillRect(xOf(version) - 0.75, 0, 1.5, kind === 'conflict' ? 7 : 5);
  }
  context.fillStyle = toCssColor(palette.textSoft);
  context.font = '11px system-ui, sans-serif';
  const count = Math.floor(width / minLabelDistance);
  for (let index = 0; index <= count; index += 1) {
    const version = Math.round(oldest + ((latest - oldest) * index) / count);
    const time = timeOf(version);
    if (time === undefined) continue;
    context.textAlign = index === 0 ? 'left' : index === count ? 'right' : 'center';
    context.fillText(clockFormat.format(time), index === count ? width : index === 0 ? 0 : xOf(version), height - 1);
  }
}

/** The versions whose times are written below a slider of this width. */
export function labelledVersions(oldest: number, latest: number, width: number): number[] {
  const count = Math.max(1, Math.floor(width / minLabelDistance));
  return Array.from({ length: count + 1 }, (_, index) => Math.round(oldest + ((latest - oldest) * index) / count));
}

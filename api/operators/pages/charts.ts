/** Charts as inline SVG: lines over time, with their scale in words and numbers, since the drawing itself is stretched. */
import { formatDuration, formatNumber } from './format.ts';
import { Html, html } from './html.ts';

const size = { width: 320, height: 60 };

interface ChartPoint {
  /** In ms since the epoch. */
  readonly at: number;
  readonly value: number;
}

interface ChartLine {
  /** For the legend; the only line of a chart needs none. */
  readonly name?: string;
  readonly points: readonly ChartPoint[];
}

interface ChartOptions {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  readonly format?: (value: number) => string;
  /** The times at both ends, for lines that begin later or end earlier; by default those of the points. */
  readonly span?: { readonly from: number; readonly to: number };
}

/** The first line is filled. All share one scale, from zero to the largest value. */
export function renderChart({ title, lines, format = formatNumber, span: ends }: ChartOptions): Html {
  const times = lines.flatMap(({ points }) => points.map(({ at }) => at));
  if (times.length === 0)
    return html`<figure><figcaption>${title}</figcaption><p class="none">Not measured yet.</p></figure>`;
  const { from, to } = ends ?? { from: Math.min(...times), to: Math.max(...times) };
  const max = Math.max(...lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const place = ({ at, value }: ChartPoint) => {
    const x = ((at - from) / Math.max(1, to - from)) * size.width;
    return `${x.toFixed(1)},${(size.height - (value / (max || 1)) * (size.height - 4)).toFixed(1)}`;
  };
  const drawn = lines.map(({ points }, index) => {
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) return '';
    // A line with one point is drawn as a dot.
    const path = [...points, last].map(place).join(' ');
    const below = [
      { ...last, value: 0 },
      { ...first, value: 0 },
    ]
      .map(place)
      .join(' ');
    const area = html`<polygon points="${path} ${below}"/>`;
    return html`${index === 0 ? area : ''}<polyline${index === 0 ? '' : new Html(' class="other"')} points="${path}"/>`;
  });
  const now = lines.map(({ name, points }) => ({ name, value: points.at(-1)?.value ?? 0 }));
  const texts = now.map(({ name, value }) => `${name ? `${name} ` : ''}${format(value)}`);
  const span = formatDuration(to - from);
  const label = `${title}: now ${texts.join(', ')}; at most ${format(max)} in ${span}`;
  return html`<figure><figcaption><span>${title}</span>${now.map(({ name, value }, index) => html`<span>${name ? html`<i class="${index === 0 ? 'line' : 'line other'}"></i>${name} ` : ''}<b>${format(value)}</b></span>`)}</figcaption>
<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${label}" preserveAspectRatio="none">${drawn}</svg>
<div class="scale"><span>${span} ago</span><span>at most ${format(max)}</span><span>now</span></div></figure>`;
}

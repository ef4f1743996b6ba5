/** Renders a line plot as SVG, with linear axes from 0, in colors that are readable on light and dark pages. */
import type { Plot } from '../bench.ts';

const width = 720;
const height = 360;
const margin = { top: 40, right: 200, bottom: 50, left: 60 };
const colors = ['#2563eb', '#dc2626', '#16a34a', '#9333ea', '#ea580c', '#0891b2'];

export function renderPlot({ title, x, y, series }: Plot): string {
  const points = series.flatMap((line) => line.points);
  const xTicks = ticksTo(Math.max(...points.map(([value]) => value)));
  const yTicks = ticksTo(Math.max(...points.map(([, value]) => value)));
  const right = width - margin.right;
  const bottom = height - margin.bottom;
  const toX = scale(xTicks.at(-1) ?? 1, margin.left, right);
  const toY = scale(yTicks.at(-1) ?? 1, bottom, margin.top);
  const parts = [
    `<title>${title}</title>`,
    `<text x="${margin.left}" y="24" font-size="16">${title}</text>`,
    ...yTicks.map((tick) => line(margin.left, toY(tick), right, toY(tick), '#8884')),
    ...yTicks.map((tick) => text(margin.left - 8, toY(tick) + 4, label(tick), 'end')),
    ...xTicks.map((tick) => text(toX(tick), bottom + 18, label(tick), 'middle')),
    text((margin.left + right) / 2, height - 12, x, 'middle'),
    text(margin.left - 8, margin.top - 10, y, 'end'),
    ...series.flatMap(({ name, points: own }, index) => {
      const color = colors[index % colors.length] ?? '#888';
      const path = own.map(([at, value]) => `${toX(at).toFixed(1)},${toY(value).toFixed(1)}`);
      const legendY = margin.top + 20 * index;
      return [
        `<polyline fill="none" stroke="${color}" stroke-width="2" points="${path.join(' ')}"/>`,
        ...path.map(
          (point) => `<circle r="3" fill="${color}" cx="${point.split(',')[0]}" cy="${point.split(',')[1]}"/>`,
        ),
        line(right + 12, legendY, right + 32, legendY, color),
        text(right + 38, legendY + 4, name, 'start'),
      ];
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#888">\n${parts.join('\n')}\n</svg>\n`;
}

/** Tick values from 0 to at least `top`, in steps of 1, 2 or 5 times a power of ten. */
function ticksTo(top: number): number[] {
  const rough = Math.max(top, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(top / step) + 1 }, (_, index) => index * step);
}

function scale(top: number, from: number, to: number): (value: number) => number {
  return (value) => from + (value / top) * (to - from);
}

function label(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en-US');
}

function line(x1: number, y1: number, x2: number, y2: number, color: string): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}"/>`;
}

function text(x: number, y: number, content: string, anchor: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}

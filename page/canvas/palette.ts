/** The colors of the canvases, read from custom properties of the style sheet. */

import { colors } from '../identity/colors.ts';

export type Rgb = readonly [number, number, number];

export interface Palette {
  readonly heat: readonly Rgb[];
  readonly glow: readonly Rgb[];
  readonly ground: Rgb;
  readonly text: Rgb;
  readonly textSoft: Rgb;
  readonly warm: Rgb;
  readonly cool: Rgb;
  readonly alarm: Rgb;
  /** The colors that people choose, by name. */
  readonly people: Readonly<Record<string, Rgb>>;
  /** `screen` in the dark theme, where overlapping light adds up; `source-over` in the light theme. */
  readonly blendMode: GlobalCompositeOperation;
  readonly isDark: boolean;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  const color = (name: string) => parseHex(read(name));
  const blendMode = read('--glow-blend') === 'screen' ? 'screen' : 'source-over';
  return {
    heat: read('--heat').split(/\s+/).map(parseHex),
    glow: read('--glow').split(/\s+/).map(parseHex),
    ground: color('--ground'),
    text: color('--text'),
    textSoft: color('--text-soft'),
    warm: color('--warm'),
    cool: color('--cool'),
    alarm: color('--alarm'),
    people: Object.fromEntries(colors.map((name) => [name, color(`--person-${name}`)])),
    blendMode,
    isDark: blendMode === 'screen',
  };
}

function parseHex(text: string): Rgb {
  const value = Number.parseInt(text.replace('#', ''), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Interpolates a color scale; `ratio` is 0 to 1. */
export function colorAt(colors: readonly Rgb[], ratio: number): Rgb {
  const position = Math.min(1, Math.max(0, ratio)) * (colors.length - 1);
  const index = Math.min(colors.length - 2, Math.floor(position));
  const [from, to] = [colors[index], colors[index + 1]];
  if (!from || !to) return colors[0] ?? [128, 128, 128];
  const fraction = position - index;
  const interpolate = (a: number, b: number) => Math.round(a + (b - a) * fraction);
  return [interpolate(from[0], to[0]), interpolate(from[1], to[1]), interpolate(from[2], to[2])];
}

export function toCssColor([red, green, blue]: Rgb, alpha = 1): string {
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

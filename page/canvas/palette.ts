/** The canvases' colours, as the style sheet has them: one place decides how the page looks. */

export type Rgb = readonly [number, number, number];

export interface Palette {
  readonly heat: readonly Rgb[];
  readonly glow: readonly Rgb[];
  readonly text: Rgb;
  readonly warm: Rgb;
  readonly cool: Rgb;
  readonly alarm: Rgb;
  /** How glows are laid over each other: light adds up on dark ground, but not on paper. */
  readonly blend: GlobalCompositeOperation;
  readonly isDark: boolean;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  const color = (name: string) => parseHex(read(name));
  const blend = read('--glow-blend') === 'screen' ? 'screen' : 'source-over';
  return {
    heat: read('--heat').split(/\s+/).map(parseHex),
    glow: read('--glow').split(/\s+/).map(parseHex),
    text: color('--text'),
    warm: color('--warm'),
    cool: color('--cool'),
    alarm: color('--alarm'),
    blend,
    isDark: blend === 'screen',
  };
}

function parseHex(text: string): Rgb {
  const value = Number.parseInt(text.replace('#', ''), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** The colour at `share` (0 to 1) of a row of colours. */
export function colorAt(colors: readonly Rgb[], share: number): Rgb {
  const place = Math.min(1, Math.max(0, share)) * (colors.length - 1);
  const index = Math.min(colors.length - 2, Math.floor(place));
  const [from, to] = [colors[index], colors[index + 1]];
  if (!from || !to) return colors[0] ?? [128, 128, 128];
  const part = place - index;
  const mix = (a: number, b: number) => Math.round(a + (b - a) * part);
  return [mix(from[0], to[0]), mix(from[1], to[1]), mix(from[2], to[2])];
}

export function css([red, green, blue]: Rgb, alpha = 1): string {
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

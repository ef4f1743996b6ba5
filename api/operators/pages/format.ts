/** Times and numbers as operators read them. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** For example `3 min ago`. */
export function formatAge(ms: number): string {
  return `${formatDuration(ms)} ago`;
}

/** In the largest unit that fits, rounded down. */
export function formatDuration(ms: number): string {
  const [unit, length] = units.find(([, unitMs]) => ms >= unitMs) ?? ['s', 1000];
  return `${Math.max(0, Math.floor(ms / length))} ${unit}`;
}

/** For example `14:03:59`. */
export function formatClock(at: number): string {
  return formatTime(at).slice(11);
}

/** For example `2026-08-01 14:03:59`. Times of dead letters can be anything that was stored. */
export function formatTime(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString().slice(0, 19).replace('T', ' ') : '–';
}

export function formatNumber(value: number): string {
  if (value >= 10 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return value >= 1 ? value.toFixed(1) : String(Number(value.toPrecision(1)));
}

/** For example `1 update`, `1,200 updates`. */
export function pluralize(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** For example `15 ms`, `2 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${formatNumber(ms)} ms` : formatDuration(ms);
}

/** For example `800 B`, `1.2 kB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${formatNumber(bytes / 1000)} kB` : `${formatNumber(bytes / 1_000_000)} MB`;
}

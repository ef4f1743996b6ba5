/** Numbers as a person reads them. */

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

export function readableBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

export function readableCount(count: number): string {
  return count.toLocaleString('en');
}

/** `1 field`, `1,707 fields`. */
export function counted(count: number, thing: string): string {
  return `${readableCount(count)} ${thing}${count === 1 ? '' : 's'}`;
}

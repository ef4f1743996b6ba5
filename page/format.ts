/** Numbers and values as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const longestText = 80;

export const formatCount = (count: number) => whole.format(count);
export const formatRate = (rate: number) => short.format(rate);
export const formatShare = (share: number) => share.toFixed(2);

export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A value of a conflict: a cell's number, what was written of a particle, or null for a particle removed. */
export function formatValue(value: number | object | null): string {
  if (value === null) return 'removed';
  if (typeof value === 'number') return formatShare(value);
  return shorten(
    Object.entries(value)
      .map(([name, part]) => formatAttribute(name, part))
      .join(', '),
  );
}

function formatAttribute(name: string, value: unknown): string {
  if (typeof value === 'number') return `${name} ${formatShare(value)}`;
  if (typeof value === 'string') return `“${shorten(value)}”`;
  if (Array.isArray(value)) return plural(value.length, 'connection');
  if (typeof value === 'object' && value !== null) {
    const numbers = Object.values(value).filter((part) => typeof part === 'number');
    return `${name} ${numbers.map((part) => short.format(part)).join(' / ')}`;
  }
  return typeof value === 'boolean' ? (value ? 'put' : 'removed') : name;
}

export function shorten(text: string): string {
  const letters = [...text];
  return letters.length <= longestText ? text : `${letters.slice(0, longestText - 1).join('')}…`;
}

export function formatDevice(device: string): string {
  return /^[0-9a-f]{32}$/.test(device) ? device.slice(0, 6) : device;
}

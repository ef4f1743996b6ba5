/** Formats numbers, values and ids for display. */

const integerFormat = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const decimalFormat = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const maxTextLength = 80;

export const formatCount = (count: number) => integerFormat.format(count);
export const formatRate = (rate: number) => decimalFormat.format(rate);
export const formatRatio = (ratio: number) => ratio.toFixed(2);

/** A change with its direction, for example `▲ 0.10`. */
export const formatChange = (change: number) => `${change > 0 ? '▲ +' : '▼ −'}${Math.abs(change).toFixed(2)}`;

export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function pluralize(count: number, singular: string, pluralForm = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : pluralForm}`;
}

/** A conflicting value: a cell's number, the written attributes of a particle, or null for a removed particle. */
export function formatValue(value: number | object | null): string {
  if (value === null) return 'removed';
  if (typeof value === 'number') return formatRatio(value);
  return truncate(
    Object.entries(value)
      .map(([name, part]) => formatAttribute(name, part))
      .join(', '),
  );
}

function formatAttribute(name: string, value: unknown): string {
  if (typeof value === 'number') return `${name} ${formatRatio(value)}`;
  if (typeof value === 'string') return `“${truncate(value)}”`;
  if (Array.isArray(value)) return pluralize(value.length, 'connection');
  if (typeof value === 'object' && value !== null) {
    const numbers = Object.values(value).filter((part) => typeof part === 'number');
    return `${name} ${numbers.map((part) => decimalFormat.format(part)).join(' / ')}`;
  }
  return typeof value === 'boolean' ? (value ? 'present' : 'removed') : name;
}

export function truncate(text: string): string {
  const characters = [...text];
  return characters.length <= maxTextLength ? text : `${characters.slice(0, maxTextLength - 1).join('')}…`;
}

export function formatDevice(device: string): string {
  return /^[0-9a-f]{32}$/.test(device) ? device.slice(0, 6) : device;
}

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** How a particle is called in texts. */
export function titleOf({ content, id }: { readonly content?: string | undefined; readonly id: string }): string {
  return content ? `“${truncate(content)}”` : truncate(id);
}

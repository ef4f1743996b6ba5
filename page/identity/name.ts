/** What a user shows to others: a name and a colour. */
import type { Color } from './colors.ts';

export const maxNameLength = 32;

export interface Identity {
  /** Empty if the user has chosen none. */
  readonly name: string;
  readonly color: Color;
}

/** A name as it is shown: in one line, cut off. Text of others is never trusted. */
export function toName(value: unknown): string {
  if (typeof value !== 'string') return '';
  return [...value.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()].slice(0, maxNameLength).join('');
}

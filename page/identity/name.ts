/** The name and colour that a user shows to others. */
import type { Color } from './colors.ts';

export const maxNameLength = 32;

export interface Identity {
  /** Empty if the user has chosen none. */
  readonly name: string;
  readonly color: Color;
}

/** A name as it is displayed: on one line and truncated, since text of others is untrusted. */
export function toName(value: unknown): string {
  if (typeof value !== 'string') return '';
  return [...value.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()].slice(0, maxNameLength).join('');
}

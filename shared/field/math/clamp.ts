/** Bounds that keep every number of a state finite and in range. */

/** Clamps a number to [0, 1]. */
export function clampUnit(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Replaces positive infinity by the largest number: JSON and PostgreSQL's jsonb have no infinity. */
export function clampFinite(value: number): number {
  return Math.min(value, Number.MAX_VALUE);
}

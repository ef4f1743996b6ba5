/** Two bounds that keep every number in a state finite and in range. */

/** Holds a number in [0, 1]. */
export function clampUnit(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Keeps an overflow finite: JSON and PostgreSQL have no infinity. */
export function clampFinite(value: number): number {
  return Math.min(value, Number.MAX_VALUE);
}

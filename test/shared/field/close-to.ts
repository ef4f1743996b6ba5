/** Compares numbers that were worked out in another order than the code's. */
import type { Test } from 'tap';

export function closeTo(t: Test, actual: number | undefined, expected: number, message: string): void {
  const isClose = actual !== undefined && Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
  t.ok(isClose, `${message}: ${actual} is ${expected}`);
}

/** Compares the numbers of a record with those expected of it, each under its name. */
export function allCloseTo<Name extends string>(
  t: Test,
  actual: Readonly<Record<Name, number>>,
  expected: Readonly<Partial<Record<Name, number>>>,
): void {
  for (const name of Object.keys(expected) as Name[]) closeTo(t, actual[name], expected[name] ?? Number.NaN, name);
}

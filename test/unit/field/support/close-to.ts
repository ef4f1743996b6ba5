/** Compares numbers within a relative tolerance, because a test computes its sums in another order than the code. */
import type { Test } from 'tap';

export function closeTo(t: Test, actual: unknown, expected: number, message: string): void {
  const isClose = Math.abs(Number(actual) - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
  t.ok(isClose, `${message}: ${actual} is close to ${expected}`);
}

/** Compares the numbers of an object with the expected ones, using the names of the properties as messages. */
export function allCloseTo<Actual extends object>(
  t: Test,
  actual: Actual,
  expected: { readonly [Name in keyof Actual]?: number },
): void {
  for (const [name, value] of Object.entries<number>(expected as Record<string, number>)) {
    closeTo(t, actual[name as keyof Actual], value, name);
  }
}

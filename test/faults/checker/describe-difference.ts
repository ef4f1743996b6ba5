/** Describes the first difference between two values in one line. */
import { isDeepStrictEqual } from 'node:util';

const maxLength = 300;

export function describeDifference(actual: unknown, expected: unknown, path = ''): string {
  if (isObject(actual) && isObject(expected)) {
    const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
    const differing = [...names].filter((name) => !isDeepStrictEqual(actual[name], expected[name]));
    const [first] = differing;
    if (first !== undefined) {
      const inner = describeDifference(actual[first], expected[first], `${path}/${first}`);
      return differing.length > 1 ? `${inner} (and ${differing.length - 1} more in ${path || '/'})` : inner;
    }
  }
  return `${path}: ${JSON.stringify(actual)} should be ${JSON.stringify(expected)}`.slice(0, maxLength);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

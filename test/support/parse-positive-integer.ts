/** Parses the value of a command option, or returns the fallback. @throws RangeError unless it is an integer above 0 */
export function parsePositiveInteger(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} must be an integer above 0`);
  return value;
}

/**
 * Exponential decay from exactly specified operations only: `Math.pow`, `Math.exp` and `**` give different last digits in
 * different JavaScript engines.
 */

/** The terms of the series after the first: the remainder, (ln 2)^18 / 18!, is below 2^-60. */
const terms = 17;
/** 0.5^1022 is the smallest power of two that is a normal number. Multiplying by 0.5 is exact down to there. */
const maxHalvings = 1022;
const twoToMinus32 = 1 / 4_294_967_296;

/**
 * Computes 0.5^x, exactly if x is an integer and to about 1e-15 otherwise. Decreasing in x; 0 where the result would be below the
 * smallest normal number.
 * @param x finite, at least 0
 */
export function halvePower(x: number): number {
  let halvings = Math.floor(x);
  if (halvings >= maxHalvings) return 0;
  let value = expSeries((halvings - x) * Math.LN2);
  for (; halvings >= 32; halvings -= 32) value *= twoToMinus32;
  for (; halvings > 0; halvings -= 1) value *= 0.5;
  return value;
}

/** The Taylor series of e^z for z in (-ln 2, 0], in Horner's form: 1 + z(1 + z/2 (1 + z/3 (…))). */
function expSeries(z: number): number {
  let sum = 1;
  for (let term = terms; term > 0; term -= 1) sum = 1 + (z * sum) / term;
  return sum;
}

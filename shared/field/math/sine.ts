/**
 * The sine from exactly specified operations only: `Math.sin` gives different last digits in different JavaScript engines.
 */

const period = 2 * Math.PI;
/** 2π minus the double nearest to it. */
const periodRemainder = 2.4492935982947064e-16;
/** π/2 as the sum of a number of 33 bits, whose small multiples are exact, and a remainder. */
const halfPi = 1.5707963267341256;
const halfPiRemainder = 6.077100506506192e-11;
/** Above 2^53 adjacent numbers are 2 or more apart, so the position within a period is meaningless. */
const maxCorrected = Number.MAX_SAFE_INTEGER;
/** The terms of a series after the first: for |y| ≤ π/4 the remainder is below 2^-64. */
const terms = 9;

/**
 * Computes the sine to about 1e-15 for |x| ≤ 2^53. For larger x the result is a fixed value in [-1, 1].
 * @param x finite
 */
export function sine(x: number): number {
  const phase = reduceToPeriod(x);
  const quarters = Math.round(phase / halfPi);
  const y = phase - quarters * halfPi - quarters * halfPiRemainder;
  switch (quarters & 3) {
    case 0:
      return sineSeries(y);
    case 1:
      return cosineSeries(y);
    case 2:
      return -sineSeries(y);
    default:
      return -cosineSeries(y);
  }
}

/** Subtracts multiples of 2π. `%` is exact for the rounded 2π; the correction accounts for the rounding. */
function reduceToPeriod(x: number): number {
  const remainder = x % period;
  if (Math.abs(x) > maxCorrected) return remainder;
  return remainder - ((x - remainder) / period) * periodRemainder;
}

/** y (1 − y²/(2·3) (1 − y²/(4·5) (…))) */
function sineSeries(y: number): number {
  return y * alternatingSeries(y * y, 2);
}

/** 1 − y²/(1·2) (1 − y²/(3·4) (…)) */
function cosineSeries(y: number): number {
  return alternatingSeries(y * y, 1);
}

function alternatingSeries(square: number, first: number): number {
  let sum = 1;
  for (let term = terms; term > 0; term -= 1) {
    const factor = first + 2 * (term - 1);
    sum = 1 - (square * sum) / (factor * (factor + 1));
  }
  return sum;
}

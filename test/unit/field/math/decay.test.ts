import t from 'tap';
import { halvePower } from '../../../../shared/field/math/decay.ts';

const periodMs = 60_000;

t.test('a power of a half with an integer exponent is exact', async (t) => {
  let expected = 1;
  const wrong: number[] = [];
  for (let exponent = 0; exponent < 1022; exponent += 1) {
    if (halvePower(exponent) !== expected) wrong.push(exponent);
    expected /= 2;
  }
  t.strictSame(wrong, []);
});

t.test('a power of a half agrees with Math.pow to 15 digits at every millisecond of a minute and beyond', async (t) => {
  let worst = 0;
  for (let age = 0; age < 40 * periodMs; age += age < periodMs ? 1 : 997) {
    const expected = 0.5 ** (age / periodMs);
    worst = Math.max(worst, Math.abs(halvePower(age / periodMs) - expected) / expected);
  }
  t.ok(worst < 1e-15, `relative error ${worst}`);
});

t.test('a power of a half decreases with every millisecond', async (t) => {
  const starts = [0, 1, 31, 32, 500, 1020].map((minutes) => minutes * periodMs);
  const increases = starts.flatMap((start) => {
    const found: number[] = [];
    for (let age = start; age < start + periodMs; age += 1) {
      if (!(halvePower((age + 1) / periodMs) < halvePower(age / periodMs))) found.push(age);
    }
    return found;
  });
  t.strictSame(increases, []);
});

t.test('a power of a half below the smallest normal number is 0', async (t) => {
  t.ok(halvePower(1021.999) > 0);
  for (const exponent of [1022, 1e6, 1e15, Number.MAX_VALUE]) t.equal(halvePower(exponent), 0, `${exponent}`);
});

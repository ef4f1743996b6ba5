import t from 'tap';
import { sine } from '../../../../shared/field/math/sine.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** The largest difference to Math.sin over arguments below `limit`. */
function worstError(limit: number): number {
  const random = seededRandom(3);
  let worst = 0;
  for (let count = 0; count < 100_000; count += 1) {
    const x = random.next() * limit;
    worst = Math.max(worst, Math.abs(sine(x) - Math.sin(x)));
  }
  return worst;
}

t.test('the sine agrees with Math.sin to 15 digits for arguments up to 2^53', async (t) => {
  for (const limit of [1e-3, 1, 7, 1e3, 1e6, 1e9, 1e12, 2 ** 53]) {
    const error = worstError(limit);
    t.ok(error < 1e-15, `error ${error} below ${limit}`);
  }
});

t.test('the sine is accurate near its zeros and extremes', async (t) => {
  for (let quarter = 1; quarter < 2000; quarter += 1) {
    for (const x of [(quarter * Math.PI) / 2, (quarter * Math.PI) / 2 + 1e-9, (quarter * Math.PI) / 2 - 1e-9]) {
      if (Math.abs(sine(x) - Math.sin(x)) >= 1e-15) t.fail(`sine(${x}) is ${sine(x)} and not ${Math.sin(x)}`);
    }
  }
  t.pass('6,000 arguments');
});

t.test('the sine of 0 is 0, and the sine is odd', async (t) => {
  t.equal(sine(0), 0);
  for (const x of [0.1, 1, 4.5, 1000, 1e15]) t.equal(sine(-x), -sine(x), `${x}`);
});

t.test('the sine of numbers above 2^53 is a fixed number in [-1, 1]', async (t) => {
  for (const x of [2 ** 53 + 2, 1e17, 1e100, 1.7e308, Number.MAX_VALUE]) {
    const value = sine(x);
    t.ok(value >= -1 && value <= 1, `sine(${x}) is ${value}`);
    t.equal(sine(x), value);
  }
  t.equal(sine(Number.MAX_VALUE), 0.548570157210607, 'the same on every engine');
});

/** Which benchmarks a command line chooses. */
import t from 'tap';
import type { Bench } from '../../../bench/bench.ts';
import { describeHelp, parseOptions } from '../../../bench/options.ts';

const bench = (name: string, more: Partial<Bench> = {}): Bench => ({
  name,
  about: name,
  run: () => Promise.reject(new Error('this test runs no benchmark')),
  ...more,
});
const all = [bench('ingest'), bench('growth', { requiresRestart: true }), bench('rivals', { isOptional: true })];
const choose = (...args: string[]) => parseOptions(args, all).chosen.map(({ name }) => name);

t.test('an optional benchmark runs only if it is named', async (t) => {
  t.same(choose(), ['ingest', 'growth']);
  t.same(choose('--quick'), ['ingest']);
  t.same(choose('rivals'), ['rivals']);
  t.same(choose('--quick', 'growth', 'rivals'), ['growth', 'rivals']);
  t.match(describeHelp(all), 'all benchmarks run but rivals');
});

t.test('an unknown name is refused', async (t) => {
  t.throws(() => choose('nothing'), { message: /unknown benchmark nothing; available: ingest, growth, rivals/ });
});

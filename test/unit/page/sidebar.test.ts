import t from 'tap';
import { formatDevice, formatMs, formatValue, pluralize, truncate } from '../../../page/format.ts';
import { median, Rate } from '../../../page/rate.ts';
import { UpdateStats } from '../../../page/update-stats.ts';

t.test('a rate covers only its window', async (t) => {
  const rate = new Rate();
  rate.add(10, 1000);
  rate.add(5, 3000);
  t.equal(rate.perSecond(3000), 3);
  t.equal(rate.perSecond(6500), 1);
  t.equal(rate.perSecond(60_000), 0);
});

t.test('the latency is the median over edits made while live', async (t) => {
  const stats = new UpdateStats();
  const entry = (key: string, status: 'queued' | 'applied') => ({ key, status, counter: 1 }) as never;
  for (const [key, ms] of [
    ['a', 20],
    ['b', 90],
    ['c', 40],
  ] as const) {
    stats.recordEntry(entry(key, 'queued'), true, 1000);
    stats.recordEntry(entry(key, 'applied'), true, 1000 + ms);
  }
  stats.recordEntry(entry('kept', 'queued'), false, 1000);
  stats.recordEntry(entry('kept', 'applied'), true, 900_000);
  t.equal(stats.medianLagMs, 40);
  t.equal(median([]), undefined);
});

t.test('values are formatted briefly', async (t) => {
  t.equal(formatValue(0.5), '0.50');
  t.equal(formatValue(null), 'removed');
  t.equal(
    formatValue({ position: { x: 1, y: 2.25, z: 0 }, content: 'Here', connections: ['a', 'b'] }),
    'position 1 / 2.3 / 0, “Here”, 2 connections',
  );
  t.equal(formatValue({ exists: false }), 'removed');
  t.equal(formatMs(38.4), '38 ms');
  t.equal(formatMs(1540), '1.5 s');
  t.equal(pluralize(1, 'device'), '1 device');
  t.equal(formatDevice('0123456789abcdef0123456789abcdef'), '012345');
  t.equal([...truncate('😀'.repeat(100))].length, 80, 'no surrogate pair is split');
});

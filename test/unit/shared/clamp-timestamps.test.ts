import t from 'tap';
import { clampTimestamps } from '../../../shared/updates/clamp-timestamps.ts';
import { event, put, sent, setCell } from '../field/support/changes.ts';

const now = 1_700_000_000_000;
const batch = (...timestamps: number[]) =>
  timestamps.map((timestamp, index) => sent('a', [index + 1, timestamp], setCell(index / 10)).update);

t.test('timestamps in the past or at most 60 s ahead are left unchanged', async (t) => {
  const updates = batch(0, now - 1, now, now + 60_000);
  t.strictSame(clampTimestamps(updates, now), { updates, adjusted: [] });
});

t.test('timestamps more than 60 s ahead are clamped to the server time, and their counters are reported', async (t) => {
  const updates = batch(now, now + 60_001, now + 5, Number.MAX_SAFE_INTEGER);
  const { updates: admitted, adjusted } = clampTimestamps(updates, now);
  t.strictSame(adjusted, [2, 4]);
  t.strictSame(admitted, batch(now, now, now + 5, now));
});

t.test('only the timestamp is changed, and the input is not modified', async (t) => {
  const input = [
    sent('a', [7, now + 100_000], put('p', { content: 'x', resonance: 0 }), { seen: 3, clock: { b: 2 } }).update,
    sent('a', [9, now + 100_000], event('bloom', 0)).update,
  ];
  const before = structuredClone(input);
  const { updates } = clampTimestamps(input, now);
  t.strictSame(
    updates,
    before.map((update) => ({ ...update, timestamp: now })),
  );
  t.strictSame(input, before);
});

import t from 'tap';
import { formatDevice, formatMs, formatValue, pluralize, truncate } from '../../../page/format.ts';
import { Flick } from '../../../page/input/flick.ts';
import { Heartbeat } from '../../../page/status/heartbeat.ts';
import { findLinkState } from '../../../page/status/link-state.ts';
import { median, Rate } from '../../../page/status/rate.ts';
import { UpdateStats } from '../../../page/status/update-stats.ts';
import { asCursor } from '../../support/updates.ts';

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

t.test('the rate leaves out what fills a gap', async (t) => {
  const stats = new UpdateStats();
  const delta = (lastUpdate: number, count: number) =>
    ({
      type: 'delta',
      from: asCursor(7),
      to: asCursor(7 + count),
      changes: { metrics: { lastUpdate } },
      updates: [],
    }) as never;
  stats.recordMessage(delta(900, 40), 1000);
  t.equal(stats.perSecond(1000), 0, 'before the time of the server is known');
  stats.recordMessage({ type: 'pong', serverTime: 1000 }, 1000);
  stats.recordMessage(delta(999, 40), 1100);
  stats.recordMessage(delta(1001, 10), 1200);
  t.equal(stats.perSecond(1200), 2);
});

t.test('a server that does not answer is noticed within five seconds', async (t) => {
  let questions = 0;
  const heartbeat = new Heartbeat(() => {
    questions += 1;
  });
  heartbeat.hear(0);
  for (let now = 0; now < 4250; now += 250) heartbeat.check(now);
  t.ok(heartbeat.isAnswering);
  heartbeat.check(4250);
  t.notOk(heartbeat.isAnswering);
  t.equal(questions, 1);
  heartbeat.hear(5000);
  t.ok(heartbeat.isAnswering);
  heartbeat.suspect(5100);
  heartbeat.check(6300);
  t.notOk(heartbeat.isAnswering, 'sooner when the browser has lost its network');
});

t.test('the page is live only while the server answers', async (t) => {
  const facts = { status: 'live', problem: undefined, isAnswering: true, isDown: false, isOnline: true } as const;
  t.equal(findLinkState(facts), 'live');
  t.equal(findLinkState({ ...facts, status: 'polling' }), 'delayed');
  t.equal(findLinkState({ ...facts, isAnswering: false }), 'silent');
  t.equal(findLinkState({ ...facts, isAnswering: false, isOnline: false }), 'offline');
  t.equal(findLinkState({ ...facts, status: 'connecting' }), 'connecting');
  t.equal(findLinkState({ ...facts, status: 'connecting', isDown: true }), 'offline');
  t.equal(findLinkState({ ...facts, status: 'offline', problem: 'unexpected_response' }), 'blocked');
  t.equal(findLinkState({ ...facts, status: 'refused' }), 'refused');
});

t.test('a flick gives a velocity, and a particle that is put down rests', async (t) => {
  const flick = new Flick();
  for (let step = 0; step <= 5; step += 1) flick.add({ x: step, y: 0 }, step * 16);
  t.same(flick.end(90), { x: 3, y: 0 }, 'limited');
  flick.add({ x: 0, y: 0 }, 1000);
  flick.add({ x: 5, y: 0 }, 1050);
  t.same(flick.end(1300), { x: 0, y: 0 });
});

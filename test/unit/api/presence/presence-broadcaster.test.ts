import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { createShownDevice, type ShownDevice } from '../../../../api/presence/shown-device.ts';
import { BytePace } from '../../../../api/streaming/byte-pace.ts';
import { PresenceBroadcaster } from '../../../../api/streaming/presence-broadcaster.ts';
import type { StreamMessage } from '../../../../api/streaming/stream-message.ts';
import { serverMessageSchema } from '../../../../shared/contract/stream.ts';
import type { DeviceId } from '../../../../shared/field/ids.ts';

interface Watching {
  readonly sent: StreamMessage[];
  buffered: number;
}

/** A field whose devices the test moves, in mocked time. */
function withPresence(t: Test) {
  let now = 0;
  mock.timers.enable({ apis: ['setTimeout'] });
  const performanceNow = mock.method(performance, 'now', () => now);
  t.teardown(() => {
    mock.timers.reset();
    performanceNow.mock.restore();
  });
  const devices = new Map<string, ShownDevice>();
  const present = {
    devices: () => devices.values() as Generator<ShownDevice>,
    get activeNodes() {
      return devices.size;
    },
  };
  const broadcaster = new PresenceBroadcaster({ present, pace: new BytePace(128 * 1024 * 1024), gridSize: 30 });
  return {
    broadcaster,
    devices,
    pass(ms: number) {
      for (let passed = 0; passed < ms; passed += 1) {
        now += 1;
        mock.timers.tick(1);
      }
    },
    move(id: string, x: number, y = 0) {
      const data = { position: { x, y } };
      devices.set(id, createShownDevice({ device: id as DeviceId, data, at: 1 }));
      broadcaster.schedule();
    },
    watch(region?: { x0: number; y0: number; x1: number; y1: number }) {
      const watching: Watching = { sent: [], buffered: 0 };
      const sink = {
        send: (message: StreamMessage) => void watching.sent.push(message),
        bufferedBytes: () => watching.buffered,
      };
      return { watching, watcher: broadcaster.watch(sink, region) };
    },
  };
}

function parse(sent: StreamMessage | undefined) {
  const message = serverMessageSchema.parse(JSON.parse(String(sent?.text)));
  if (message.type !== 'presence') throw new Error(`this is a ${message.type}`);
  return message;
}
const idsOf = (message: StreamMessage | undefined) => parse(message).devices.map(({ device }) => device);

t.test('a watcher gets all devices first, and then what has changed, at most ten times a second', async (t) => {
  const { move, watch, pass, devices, broadcaster } = withPresence(t);
  move('a', 1);
  move('b', 1);
  const { watching } = watch();
  pass(1000);
  t.equal(watching.sent.length, 1);
  t.match(parse(watching.sent[0]), { complete: true, activeNodes: 2 });
  t.same(idsOf(watching.sent[0]), ['a', 'b']);
  for (let step = 0; step < 1000; step += 1) {
    move('a', step);
    pass(1);
  }
  t.ok(watching.sent.length >= 10 && watching.sent.length <= 12, `${watching.sent.length} messages`);
  t.same(idsOf(watching.sent.at(-1)), ['a'], 'only what has changed');
  devices.delete('b');
  broadcaster.schedule();
  pass(1000);
  t.match(parse(watching.sent.at(-1)), { activeNodes: 1, devices: [], gone: ['b'] });
  const before = watching.sent.length;
  pass(5000);
  t.equal(watching.sent.length, before, 'nothing is sent while nothing changes');
});

t.test('all watchers get the same encoded message, and those who come later get everything', async (t) => {
  const { move, watch, pass } = withPresence(t);
  move('a', 1);
  const [one, other] = [watch(), watch({ x0: 0, y0: 0, x1: 1, y1: 1 })];
  pass(200);
  t.equal(one.watching.sent[0], other.watching.sent[0]);
  move('a', 2);
  const late = watch();
  pass(200);
  t.equal(one.watching.sent[1], other.watching.sent[1]);
  t.match(parse(late.watching.sent[0]), { complete: true, devices: [{ data: { position: { x: 2 } } }] });
});

t.test('of more than 200 devices a watcher gets the 200 nearest to the centre of its region', async (t) => {
  const { move, watch, pass } = withPresence(t);
  for (let x = 0; x < 250; x += 1) move(`d-${String(x).padStart(3, '0')}`, x);
  const left = watch({ x0: -1, y0: -1, x1: 1, y1: 1 });
  const right = watch({ x0: 248, y0: -1, x1: 250, y1: 1 });
  pass(500);
  t.match(parse(left.watching.sent[0]), { activeNodes: 250 });
  t.same([idsOf(left.watching.sent[0]).sort()[0], idsOf(left.watching.sent[0]).length], ['d-000', 200]);
  t.same([idsOf(right.watching.sent[0]).sort()[0], idsOf(right.watching.sent[0]).length], ['d-050', 200]);
  move('d-000', 300);
  pass(500);
  const moved = parse(left.watching.sent.at(-1));
  t.same([moved.gone, moved.devices.map(({ device }) => device)], [['d-000'], ['d-200']]);
  right.watcher.moveTo({ x0: -1, y0: -1, x1: 1, y1: 1 });
  pass(500);
  const complete = parse(right.watching.sent.at(-1));
  t.equal(complete.complete, true);
  t.notOk(complete.devices.some(({ device }) => device === 'd-000'));
});

t.test('with many watchers, all of them together get 20,000 messages a second at most', async (t) => {
  const { move, watch, pass } = withPresence(t);
  const watchers = Array.from({ length: 5000 }, () => watch().watching);
  pass(1000);
  const before = watchers[0]?.sent.length ?? 0;
  for (let step = 0; step < 2000; step += 50) {
    move('a', step);
    pass(50);
  }
  t.equal((watchers[0]?.sent.length ?? 0) - before, 8, 'four messages a second');
  t.ok(watchers.every(({ sent }) => sent.length === watchers[0]?.sent.length));
});

t.test('the bytes that all watchers of a field get together are limited', async (t) => {
  const { devices, broadcaster, watch, pass } = withPresence(t);
  const watchers = Array.from({ length: 1000 }, () => watch().watching);
  pass(1000);
  const sentBefore = watchers.reduce((sum, { sent }) => sum + sent.length, 0);
  for (let step = 0; step < 100; step += 1) {
    for (let index = 0; index < 150; index += 1) {
      const data = { text: 'x'.repeat(900), step };
      devices.set(`d-${index}`, createShownDevice({ device: `d-${index}` as DeviceId, data, at: 1 }));
    }
    broadcaster.schedule();
    pass(100);
  }
  const messages = watchers.reduce((sum, { sent }) => sum + sent.length, 0) - sentBefore;
  const bytes = messages * (watchers[0]?.sent.at(-1)?.text.length ?? 0);
  t.ok(bytes < 11 * 64 * 1024 * 1024, `${bytes} bytes in 10 s`);
  t.ok(messages >= 3000, `${messages} messages`);
});

t.test('a watcher that reads slowly is left out, and gets everything once it has read', async (t) => {
  const { move, watch, pass } = withPresence(t);
  move('a', 1);
  const [slow, fast] = [watch(), watch()];
  pass(200);
  slow.watching.buffered = 1024 * 1024;
  move('a', 2);
  pass(200);
  t.same([slow.watching.sent.length, fast.watching.sent.length], [1, 2]);
  slow.watching.buffered = 0;
  pass(1000);
  t.match(parse(slow.watching.sent[1]), { complete: true, devices: [{ data: { position: { x: 2 } } }] });
  t.equal(fast.watching.sent.length, 2);
});

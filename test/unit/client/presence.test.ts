import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { Presence } from '../../../client/presence/presence.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';

const device = (id: string, at = 1) => ({ device: id as DeviceId, at });

function withPresence(t: Test) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const stream = { isOpen: true, sent: [] as unknown[] };
  const presence = new Presence(({ data }) => {
    if (stream.isOpen) stream.sent.push(data);
    return stream.isOpen;
  });
  return { presence, stream };
}

t.test('messages change who is present, and a complete one replaces everybody', async (t) => {
  const { presence } = withPresence(t);
  presence.apply({ activeNodes: 2, complete: true, devices: [device('a'), device('b')] });
  presence.apply({ activeNodes: 3, devices: [device('b', 2), device('c')], gone: ['a' as DeviceId] });
  t.same(presence.view, { activeNodes: 3, devices: [device('b', 2), device('c')] });
  presence.apply({ activeNodes: 1, complete: true, devices: [device('d')] });
  t.same(presence.view, { activeNodes: 1, devices: [device('d')] });
  t.equal(presence.clear(), true);
  t.same(presence.view, { activeNodes: 0, devices: [] });
  t.equal(presence.clear(), false);
});

t.test(
  'a cursor that moves all the time is sent at once and then ten times a second, with its last position',
  async (t) => {
    const { presence, stream } = withPresence(t);
    for (let ms = 0; ms < 1000; ms += 1) {
      presence.set({ position: { x: ms, y: 0 } });
      mock.timers.tick(1);
    }
    mock.timers.tick(100);
    t.equal(stream.sent.length, 11);
    t.same([stream.sent[0], stream.sent.at(-1)], [{ position: { x: 0, y: 0 } }, { position: { x: 999, y: 0 } }]);
    mock.timers.tick(5000);
    t.equal(stream.sent.length, 11, 'nothing is sent again');
  },
);

t.test('what was set without a stream, or on the last one, is sent when one opens', async (t) => {
  const { presence, stream } = withPresence(t);
  presence.handleOpen();
  t.same(stream.sent, [], 'nothing was set');
  stream.isOpen = false;
  presence.set({ name: 'Ada' });
  mock.timers.tick(1000);
  t.same(stream.sent, []);
  for (const expected of [1, 2]) {
    stream.isOpen = true;
    presence.handleOpen();
    t.same(stream.sent, Array(expected).fill({ name: 'Ada' }));
    mock.timers.tick(1000);
  }
});

t.test('a refusal ends sending until another stream opens', async (t) => {
  const { presence, stream } = withPresence(t);
  presence.set({ v: 1 });
  presence.handleRefusal();
  presence.set({ v: 2 });
  mock.timers.tick(1000);
  t.same(stream.sent, [{ v: 1 }]);
  presence.handleOpen();
  t.same(stream.sent, [{ v: 1 }, { v: 2 }]);
});

t.test('what cannot be sent is refused where it is set, and later changes of the object have no effect', async (t) => {
  const { presence, stream } = withPresence(t);
  t.throws(() => presence.set({ text: 'ü'.repeat(510) }), RangeError);
  t.throws(() => presence.set({ n: 1n }), TypeError);
  for (const data of [undefined, null, 'text', [1], () => 1]) t.throws(() => presence.set(data as never), TypeError);
  stream.isOpen = false;
  const data = { name: 'Ada' };
  presence.set(data);
  data.name = 'Eve';
  stream.isOpen = true;
  presence.handleOpen();
  t.same(stream.sent, [{ name: 'Ada' }]);
});

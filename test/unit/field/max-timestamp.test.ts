import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { anyHistory, assertProperty } from './support/arbitraries.ts';
import { event, put, remove, sent, setCell } from './support/changes.ts';
import { registersOf } from './support/registers.ts';
import { createServer } from './support/server.ts';

t.test('the highest timestamp is that of a register, and counts what a register adds to an old clock', async (t) => {
  const server = createServer();
  const highest = () => server.state.dynamics.maxTimestamp;
  t.equal(highest(), 0);
  server.deliver(sent('a', [1, 500], setCell(0.5)));
  t.equal(highest(), 500);
  server.deliver(sent('b', [1, 20], setCell(0.7), { seen: 1 }));
  t.equal(highest(), 501, 'a write that has seen the value gets a timestamp above it');
  server.deliver(sent('c', [1, 30], setCell(0.1)));
  t.equal(highest(), 501, 'a concurrent write with a lower timestamp loses');
  server.deliver(sent('c', [2, 9000], event('memory')));
  t.equal(highest(), 501, 'an event writes no register');
  server.deliver(sent('a', [2, 600], put('p')));
  t.equal(highest(), 600);
  server.deliver(sent('a', [3, 10], remove('p')));
  t.equal(highest(), 601);
});

t.test('the highest timestamp remains when its particle is evicted', async (t) => {
  const server = createServer();
  for (let index = 1; index <= 1000; index += 1) server.deliver(sent('a', [index, 10_000 - index], put(`p${index}`)));
  server.deliver(sent('a', [1001, 20_000], remove('p1')));
  server.deliver(sent('a', [1002, 5], put('p1001')));
  server.deliver(sent('a', [1003, 5], put('p1002')));
  t.ok(server.state.dynamics.evictedAt > 0);
  t.equal(server.state.dynamics.maxTimestamp, 20_000);
});

t.test('the highest timestamp is the highest that any register has had, also after restarts', async (t) => {
  assertProperty(
    t,
    fc.property(anyHistory, fc.nat({ max: 60 }), (updates, restart) => {
      const server = createServer();
      let highest = 0;
      updates.forEach((update, index) => {
        if (index === restart) server.restart();
        server.deliver(update);
        highest = Math.max(highest, ...[...registersOf(server.state).values()].map(({ timestamp }) => timestamp));
        assert.equal(server.state.dynamics.maxTimestamp, highest);
      });
    }),
  );
});

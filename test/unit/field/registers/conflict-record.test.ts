import t from 'tap';
import { event, put, remove, sent, setCell, setCells, vector } from '../support/changes.ts';
import { createServer } from '../support/server.ts';

t.test('the conflict of a cell records both writes, the resolution, the version and the log time', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 100], setCell(0.1)), 5000);
  const won = server.deliver(sent('b', [7, 101], setCell(0.2)), 6000);
  const a = { device: 'a', counter: 1, timestamp: 100, value: 0.1 };
  const b = { device: 'b', counter: 7, timestamp: 101, value: 0.2 };
  const record = { cell: '0,0', local: a, remote: b, resolution: 'used_remote', version: 2, time: 6000 };
  t.strictSame(won, { version: 2, outcome: 'conflict', resolution: 'used_remote', conflicts: [record] });
  const c = { device: 'c', counter: 1, timestamp: 50, value: 0.3 };
  const lost = server.deliver(sent('c', [1, 50], setCell(0.3)), 7000);
  const kept = { cell: '0,0', local: b, remote: c, resolution: 'kept_local', version: 3, time: 7000 };
  t.strictSame(lost, { version: 3, outcome: 'conflict', resolution: 'kept_local', conflicts: [kept] });
});

t.test('each conflicting cell has its own record, and a mixed result is resolved as merged', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 100], setCells({ x: 0, y: 0, value: 0.1 }, { x: 2, y: 1, value: 0.1 })));
  server.deliver(sent('b', [1, 300], setCells({ x: 2, y: 1, value: 0.2 })));
  const cells = setCells({ x: 0, y: 0, value: 0.3 }, { x: 2, y: 1, value: 0.3 }, { x: 5, y: 5, value: 0.3 });
  const folded = server.deliver(sent('c', [1, 200], cells));
  t.match(folded, { outcome: 'conflict', resolution: 'merged' });
  t.match(folded?.conflicts, [
    { cell: '0,0', resolution: 'used_remote' },
    { cell: '2,1', resolution: 'kept_local' },
  ]);
  t.equal(folded?.conflicts.length, 2);
});

t.test(
  'a particle that keeps attributes of both writes is resolved as merged in either order of arrival',
  async (t) => {
    const a = sent('a', [1, 100], put('p', { position: vector(1), resonance: 0.25 }));
    const b = sent('b', [1, 50], put('p', { position: vector(2), content: 'b' }));
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      const server = createServer();
      t.strictSame(server.deliver(first), { outcome: 'applied', version: 1, conflicts: [] });
      const folded = server.deliver(second);
      t.match(folded, { outcome: 'conflict', resolution: 'merged' });
      t.match(folded?.conflicts, [{ cell: 'particle/p', resolution: 'merged' }]);
      t.equal(folded?.conflicts.length, 1);
    }
  },
);

t.test('a particle that keeps the attributes of one write is resolved as used_remote or kept_local', async (t) => {
  const local = sent('a', [1, 100], put('p', { position: vector(1) }));
  for (const [timestamp, resolution] of [
    [99, 'kept_local'],
    [101, 'used_remote'],
  ] as const) {
    const server = createServer();
    server.deliver(local);
    const folded = server.deliver(sent('b', [1, timestamp], put('p', { position: vector(2) })));
    t.match(folded, { outcome: 'conflict', resolution });
    const [conflict] = folded?.conflicts ?? [];
    t.strictSame(conflict?.local.value, { position: vector(1) }, 'the record contains only the conflicting attributes');
    t.strictSame(conflict?.remote.value, { position: vector(2) });
  }
});

t.test('a concurrent put and removal are a conflict, in which the value of the removal is null', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 100], put('p', { resonance: 1 })));
  const removal = server.deliver(sent('b', [1, 200], remove('p')));
  t.match(removal, { outcome: 'conflict', resolution: 'used_remote' });
  t.match(removal?.conflicts, [{ local: { value: { resonance: 1 } }, remote: { device: 'b', value: null } }]);
  const late = server.deliver(sent('c', [1, 150], put('p', { resonance: 0 })));
  t.match(late, { outcome: 'conflict', resolution: 'kept_local' });
  t.match(late?.conflicts, [{ local: { device: 'b', value: null }, remote: { value: { resonance: 0 } } }]);
});

t.test('writes that have seen the value, equal writes and updates without registers never conflict', async (t) => {
  const server = createServer();
  const deliveries = [
    sent('a', [1, 100], put('p', { position: vector(1), connections: ['q', 'r'] })),
    sent('b', [1, 90], put('p', { position: vector(1), connections: ['q', 'r'] })),
    sent('c', [1, 80], put('p', { position: vector(2) }), { seen: 2 }),
    sent('c', [2, 81], remove('p'), { seen: 3 }),
    sent('d', [1, 10], remove('p')),
    sent('e', [1, 1], event('void')),
  ];
  deliveries.forEach((delivery, index) => {
    t.strictSame(server.deliver(delivery), { outcome: 'applied', version: index + 1, conflicts: [] });
  });
});

t.test('connections in a different order are a different value', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 100], put('p', { connections: ['q', 'r'] })));
  const folded = server.deliver(sent('b', [1, 101], put('p', { connections: ['r', 'q'] })));
  t.match(folded, { outcome: 'conflict', resolution: 'used_remote' });
});

import t from 'tap';
import { getDerivedParticle } from '../../../../shared/field/registers/particle.ts';
import { put, remove, sent, setCell, setCells, vector } from '../support/changes.ts';
import { attributeName, registersOf } from '../support/registers.ts';
import { applyAll, createServer, type Server } from '../support/server.ts';

const cellValue = (server: Server, cell = '0,0') => server.state.cells.get(cell)?.value;
const viewOf = (server: Server, id: string) => {
  const particle = server.state.particles.get(id);
  if (!particle) return undefined;
  const { position, resonance, content, connections } = getDerivedParticle(particle);
  return { position, resonance, content, connections };
};

t.test('concurrent changes of different attributes of a particle are both kept without a conflict', async (t) => {
  const server = createServer();
  const first = server.deliver(sent('a', [1, 100], put('p', { position: vector(1, 2, 3), resonance: 0.25 })));
  const second = server.deliver(sent('b', [1, 50], put('p', { content: 'hello', connections: ['q'] })));
  t.strictSame([first?.outcome, second?.outcome], ['applied', 'applied']);
  const position = vector(1, 2, 3);
  t.strictSame(viewOf(server, 'p'), { position, resonance: 0.25, content: 'hello', connections: ['q'] });
});

t.test('a late write is superseded by a later write of the same device', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [2, 100], setCell(0.5)));
  server.deliver(sent('a', [4, 120], put('p', { resonance: 1 })));
  const before = registersOf(server.state);
  t.match(server.deliver(sent('a', [1, 500], setCell(0.9))), { outcome: 'superseded', version: 3 });
  t.match(server.deliver(sent('a', [3, 500], put('p', { resonance: 0.1 }))), { outcome: 'superseded', version: 4 });
  t.strictSame(registersOf(server.state), before);
});

t.test('a late write is applied if only some of its registers have later writes of the same device', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [2, 100], setCell(0.5)));
  const late = server.deliver(sent('a', [1, 90], setCells({ x: 0, y: 0, value: 0.1 }, { x: 1, y: 0, value: 0.2 })));
  t.equal(late?.outcome, 'applied');
  t.strictSame([cellValue(server), cellValue(server, '1,0')], [0.5, 0.2]);
});

t.test('an update that has seen the current value replaces it even if its timestamp is lower', async (t) => {
  const server = createServer();
  server.deliver(sent('fast', [1, 9000], setCell(0.1)));
  t.match(server.deliver(sent('slow', [1, 10], setCell(0.2), { seen: 1 })), { outcome: 'applied' });
  t.strictSame(registersOf(server.state).get('cell 0,0'), { value: 0.2, timestamp: 9001, device: 'slow', counter: 1 });
  t.match(server.deliver(sent('fast', [2, 9002], setCell(0.3), { clock: { slow: 1 } })), { outcome: 'applied' });
  t.equal(cellValue(server), 0.3);
});

for (const [claim, claims] of Object.entries({
  seen: { seen: Number.MAX_SAFE_INTEGER },
  clock: { clock: { b: Number.MAX_SAFE_INTEGER, c: Number.MAX_SAFE_INTEGER } },
})) {
  t.test(`a ${claim} that claims future updates does not affect later writes of other devices`, async (t) => {
    const server = createServer();
    server.deliver(sent('b', [1, 100], setCell(0.1)));
    server.deliver(sent('dishonest', [1, 90], setCell(0.9), claims));
    t.equal(cellValue(server), 0.9, 'the claim covers the current value');
    t.match(server.deliver(sent('b', [2, 102], setCell(0.2))), { outcome: 'conflict', resolution: 'used_remote' });
    t.match(server.deliver(sent('dishonest', [2, 101], setCell(0.8))), {
      outcome: 'conflict',
      resolution: 'kept_local',
    });
    t.equal(cellValue(server), 0.2, 'the claim is not stored');
    t.match(server.deliver(sent('c', [1, 1], setCell(0.3), { seen: 4 })), { outcome: 'applied' });
    t.equal(cellValue(server), 0.3);
  });
}

t.test('a device that is named like an inherited property is handled like any other', async (t) => {
  for (const device of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const server = createServer();
    server.deliver(sent(device, [1, 100], setCell(0.1)));
    const unseen = server.deliver(sent('a', [1, 90], setCell(0.2), { clock: {} }));
    t.match(unseen, { outcome: 'conflict', resolution: 'kept_local' }, `an empty clock does not contain ${device}`);
    const clock = Object.fromEntries([[device, 1]]);
    t.match(
      server.deliver(sent('a', [2, 90], setCell(0.3), { clock })),
      { outcome: 'applied' },
      `the clock contains ${device}`,
    );
    t.equal(cellValue(server), 0.3);
  }
});

t.test('a particle that is named like an inherited property is put, viewed and removed like any other', async (t) => {
  for (const id of ['__proto__', 'constructor', 'toString']) {
    const server = createServer();
    server.deliver(sent('a', [1, 1], put(id, { content: id, connections: [id] })));
    server.restart();
    t.strictSame(viewOf(server, id), { position: vector(0), resonance: 0.5, content: id, connections: [id] });
    server.deliver(sent('a', [2, 2], remove(id)));
    server.restart();
    t.equal(server.state.particles.size, 0);
    t.equal(registersOf(server.state).get(attributeName(id, 'exists'))?.value, false);
  }
});

t.test('a removed particle that is put again has default values', async (t) => {
  const server = createServer();
  server.deliver(
    sent('a', [1, 1], put('p', { position: vector(9), resonance: 0.9, content: 'x', connections: ['q'] })),
  );
  server.deliver(sent('a', [2, 2], remove('p')));
  t.equal(viewOf(server, 'p'), undefined);
  server.deliver(sent('a', [3, 3], put('p', { velocity: vector(1) })));
  t.strictSame(viewOf(server, 'p'), { position: vector(0), resonance: 0.5, content: undefined, connections: [] });
});

t.test('of a concurrent put and removal the newer one wins, in either order of arrival', async (t) => {
  const removal = sent('b', [1, 20], remove('p'));
  for (const [timestamp, exists] of [
    [10, false],
    [30, true],
  ] as const) {
    const order = [sent('a', [1, timestamp], put('p')), removal];
    for (const updates of [order, [...order].reverse()]) {
      t.equal(applyAll(updates).state.particles.has('p'), exists);
    }
  }
});

t.test('a resonance of 0 and an empty content are kept as values, also after a restart', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 1], put('p', { resonance: 0, content: '', connections: [] })));
  server.restart();
  t.strictSame(viewOf(server, 'p'), { position: vector(0), resonance: 0, content: '', connections: [] });
});

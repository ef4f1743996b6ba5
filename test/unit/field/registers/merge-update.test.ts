import t from 'tap';
import { getDerivedParticle } from '../../../../shared/field/registers/particle.ts';
import { put, remove, sent, setCell, setCells, vector } from '../support/changes.ts';
import { attributeName, registersOf } from '../support/registers.ts';
import { applyAll, createServer, type Server } from '../support/server.ts';

const cellValue = (server: Server, cell = '0,0') => server.state.cells.get(cell)?.value;
const shown = (server: Server, id: string) => {
  const particle = server.state.particles.get(id);
  if (!particle) return undefined;
  const { position, resonance, content, connections } = getDerivedParticle(particle);
  return { position, resonance, content, connections };
};

t.test(
  'two devices that change different attributes of a particle both keep their change, without a conflict',
  async (t) => {
    const server = createServer();
    const first = server.deliver(sent('a', [1, 100], put('p', { position: vector(1, 2, 3), resonance: 0.25 })));
    const second = server.deliver(sent('b', [1, 50], put('p', { content: 'hello', connections: ['q'] })));
    t.strictSame([first?.outcome, second?.outcome], ['applied', 'applied']);
    const position = vector(1, 2, 3);
    t.strictSame(shown(server, 'p'), { position, resonance: 0.25, content: 'hello', connections: ['q'] });
  },
);

t.test("a device's older write that comes late is superseded, and changes nothing", async (t) => {
  const server = createServer();
  server.deliver(sent('a', [2, 100], setCell(0.5)));
  server.deliver(sent('a', [4, 120], put('p', { resonance: 1 })));
  const before = registersOf(server.state);
  t.match(server.deliver(sent('a', [1, 500], setCell(0.9))), { outcome: 'superseded', version: 3 });
  t.match(server.deliver(sent('a', [3, 500], put('p', { resonance: 0.1 }))), { outcome: 'superseded', version: 4 });
  t.strictSame(registersOf(server.state), before);
});

t.test('a late write of which some registers are still its own to write is applied', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [2, 100], setCell(0.5)));
  const late = server.deliver(sent('a', [1, 90], setCells({ x: 0, y: 0, value: 0.1 }, { x: 1, y: 0, value: 0.2 })));
  t.equal(late?.outcome, 'applied');
  t.strictSame([cellValue(server), cellValue(server, '1,0')], [0.5, 0.2]);
});

t.test('an update that has seen what it replaces stands even when its clock is slower', async (t) => {
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
  t.test(`who claims by ${claim} to have seen the future silences nobody who writes later`, async (t) => {
    const server = createServer();
    server.deliver(sent('b', [1, 100], setCell(0.1)));
    server.deliver(sent('liar', [1, 90], setCell(0.9), claims));
    t.equal(cellValue(server), 0.9, 'what is there, it may have seen');
    t.match(server.deliver(sent('b', [2, 102], setCell(0.2))), { outcome: 'conflict', resolution: 'used_remote' });
    t.match(server.deliver(sent('liar', [2, 101], setCell(0.8))), { outcome: 'conflict', resolution: 'kept_local' });
    t.equal(cellValue(server), 0.2, 'the claim is not kept for later updates');
    t.match(server.deliver(sent('c', [1, 1], setCell(0.3), { seen: 4 })), { outcome: 'applied' });
    t.equal(cellValue(server), 0.3);
  });
}

t.test('a device called like an inherited property is a device like any other', async (t) => {
  for (const device of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const server = createServer();
    server.deliver(sent(device, [1, 100], setCell(0.1)));
    const unknowing = server.deliver(sent('a', [1, 90], setCell(0.2), { clock: {} }));
    t.match(unknowing, { outcome: 'conflict', resolution: 'kept_local' }, `${device} is in no empty clock`);
    const clock = Object.fromEntries([[device, 1]]);
    t.match(server.deliver(sent('a', [2, 90], setCell(0.3), { clock })), { outcome: 'applied' }, `${device} is known`);
    t.equal(cellValue(server), 0.3);
  }
});

t.test('a particle called like an inherited property is put, shown and removed like any other', async (t) => {
  for (const id of ['__proto__', 'constructor', 'toString']) {
    const server = createServer();
    server.deliver(sent('a', [1, 1], put(id, { content: id, connections: [id] })));
    server.restart();
    t.strictSame(shown(server, id), { position: vector(0), resonance: 0.5, content: id, connections: [id] });
    server.deliver(sent('a', [2, 2], remove(id)));
    server.restart();
    t.equal(server.state.particles.size, 0);
    t.equal(registersOf(server.state).get(attributeName(id, 'exists'))?.value, false);
  }
});

t.test('a removed particle that is put again starts from the defaults', async (t) => {
  const server = createServer();
  server.deliver(
    sent('a', [1, 1], put('p', { position: vector(9), resonance: 0.9, content: 'x', connections: ['q'] })),
  );
  server.deliver(sent('a', [2, 2], remove('p')));
  t.equal(shown(server, 'p'), undefined);
  server.deliver(sent('a', [3, 3], put('p', { velocity: vector(1) })));
  t.strictSame(shown(server, 'p'), { position: vector(0), resonance: 0.5, content: undefined, connections: [] });
});

t.test('of a put and a removal that had not seen each other the newer one stands, whichever comes first', async (t) => {
  const removal = sent('b', [1, 20], remove('p'));
  for (const [timestamp, isThere] of [
    [10, false],
    [30, true],
  ] as const) {
    const order = [sent('a', [1, timestamp], put('p')), removal];
    for (const updates of [order, [...order].reverse()]) {
      t.equal(applyAll(updates).state.particles.has('p'), isThere);
    }
  }
});

t.test('a resonance of 0 and an empty text are values, not absences, also after a restart', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 1], put('p', { resonance: 0, content: '', connections: [] })));
  server.restart();
  t.strictSame(shown(server, 'p'), { position: vector(0), resonance: 0, content: '', connections: [] });
});

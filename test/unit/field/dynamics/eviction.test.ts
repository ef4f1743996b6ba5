import t from 'tap';
import { getDerivedParticle } from '../../../../shared/field/registers/particle.ts';
import { put, remove, sent } from '../support/changes.ts';
import { createServer, type Server } from '../support/server.ts';

const ids = (server: Server) => [...server.state.particles.keys()];
const name = (index: number) => `p${index}`;

/** Puts particles with the timestamps given, one counter each. */
function putAll(server: Server, timestamps: readonly number[], firstCounter = 1): void {
  timestamps.forEach((timestamp, index) => {
    server.deliver(sent('a', [firstCounter + index, timestamp], put(name(firstCounter - 1 + index))));
  });
}

const range = (from: number, length: number) => Array.from({ length }, (_, index) => from + index);

t.test('a thousand particles stay, and one more leaves the 800 newest in order of creation', async (t) => {
  const server = createServer();
  putAll(server, range(1, 1000));
  t.equal(server.state.particles.size, 1000);
  t.equal(server.state.dynamics.evictedAt, 0);
  putAll(server, [1001], 1001);
  t.strictSame(ids(server), range(201, 800).map(name));
  t.equal(server.state.dynamics.evictedAt, 1001);
});

t.test('age is the newest stamp of a particle, not its creation', async (t) => {
  const server = createServer();
  putAll(server, range(1, 1000));
  const refresh = put('p0', { content: 'again' });
  server.deliver(sent('a', [1001, 1001], refresh));
  putAll(server, [1002], 1002);
  t.strictSame(ids(server), ['p0', ...range(202, 798).map(name), 'p1001']);
});

t.test('a new particle with the oldest stamp goes at once', async (t) => {
  const server = createServer();
  putAll(server, range(1001, 1000));
  server.deliver(sent('b', [1, 5], put('late')));
  t.notOk(server.state.particles.has('late'));
  t.strictSame(ids(server), range(200, 800).map(name));
});

t.test('what has equal timestamps goes by device, then counter', async (t) => {
  const server = createServer();
  for (const index of range(0, 501)) {
    server.deliver(sent('b', [index + 1, 7], put(`b${index}`)));
    server.deliver(sent('a', [index + 1, 7], put(`a${index}`)));
  }
  // The 1001st to come is b500: then all 501 of b stay, and the last 299 of the 500 of a. Then comes a500.
  const expected = [...range(201, 299).map((index) => `a${index}`), ...range(0, 501).map((index) => `b${index}`)];
  t.strictSame(ids(server).sort(), [...expected, 'a500'].sort());
});

t.test('removed particles do not count, and a removal can push nothing out', async (t) => {
  const server = createServer();
  putAll(server, range(1, 1000));
  server.deliver(sent('a', [1001, 1001], remove('p500')));
  putAll(server, [1002], 1002);
  t.equal(server.state.particles.size, 1000);
  t.equal(server.state.dynamics.evictedAt, 0);
});

t.test('an evicted particle that is put again is a new one', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 1], put('p0', { content: 'first life', resonance: 1 })));
  putAll(server, range(2, 1000), 2);
  server.deliver(sent('a', [1002, 1002], put('p0')));
  const particle = server.state.particles.get('p0');
  t.equal(particle && getDerivedParticle(particle).resonance, 0.5);
  t.equal(particle && getDerivedParticle(particle).content, undefined);
  t.equal(ids(server).at(-1), 'p0', 'it is the youngest in order of creation');
});

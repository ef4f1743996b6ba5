import t from 'tap';
import { getDerivedParticle } from '../../../../shared/field/registers/particle.ts';
import { getParticleIndex } from '../../../../shared/field/state.ts';
import type { ParticleAttributes } from '../../../../shared/field/update.ts';
import { put, remove, sent } from '../support/changes.ts';
import { createServer, type Server } from '../support/server.ts';

const ids = (server: Server) => [...server.state.particles.keys()];
const name = (index: number) => `p${index}`;

/** Puts one particle per timestamp, with consecutive counters. */
function putAll(server: Server, timestamps: readonly number[], firstCounter = 1): void {
  timestamps.forEach((timestamp, index) => {
    server.deliver(sent('a', [firstCounter + index, timestamp], put(name(firstCounter - 1 + index))));
  });
}

const range = (from: number, length: number) => Array.from({ length }, (_, index) => from + index);

t.test('a thousand particles are kept, and one more evicts all but the 800 newest', async (t) => {
  const server = createServer();
  putAll(server, range(1, 1000));
  t.equal(server.state.particles.size, 1000);
  t.equal(server.state.dynamics.evictedAt, 0);
  putAll(server, [1001], 1001);
  t.strictSame(ids(server), range(201, 800).map(name));
  t.equal(server.state.dynamics.evictedAt, 1001);
});

t.test('the age of a particle is measured from its newest stamp and not from its creation', async (t) => {
  const server = createServer();
  putAll(server, range(1, 1000));
  const refresh = put('p0', { content: 'again' });
  server.deliver(sent('a', [1001, 1001], refresh));
  putAll(server, [1002], 1002);
  t.strictSame(ids(server), ['p0', ...range(202, 798).map(name), 'p1001']);
});

t.test('a new particle with the oldest stamp is evicted at once', async (t) => {
  const server = createServer();
  putAll(server, range(1001, 1000));
  server.deliver(sent('b', [1, 5], put('late')));
  t.notOk(server.state.particles.has('late'));
  t.strictSame(ids(server), range(200, 800).map(name));
});

t.test('particles with equal timestamps are evicted by device, then by counter', async (t) => {
  const server = createServer();
  for (const index of range(0, 501)) {
    server.deliver(sent('b', [index + 1, 7], put(`b${index}`)));
    server.deliver(sent('a', [index + 1, 7], put(`a${index}`)));
  }
  // Particle b500 is the 1001st: all 501 particles of b and the last 299 of the 500 of a are kept, and a500 follows.
  const expected = [...range(201, 299).map((index) => `a${index}`), ...range(0, 501).map((index) => `b${index}`)];
  t.strictSame(ids(server).sort(), [...expected, 'a500'].sort());
});

t.test('removed particles do not count towards the limit', async (t) => {
  const server = createServer();
  putAll(server, range(1, 1000));
  server.deliver(sent('a', [1001, 1001], remove('p500')));
  putAll(server, [1002], 1002);
  t.equal(server.state.particles.size, 1000);
  t.equal(server.state.dynamics.evictedAt, 0);
});

t.test('an evicted particle that is put again is a new particle', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 1], put('p0', { content: 'before eviction', resonance: 1 })));
  putAll(server, range(2, 1000), 2);
  server.deliver(sent('a', [1002, 1002], put('p0')));
  const particle = server.state.particles.get('p0');
  t.equal(particle && getDerivedParticle(particle).resonance, 0.5);
  t.equal(particle && getDerivedParticle(particle).content, undefined);
  t.equal(ids(server).at(-1), 'p0', 'it is the last in order of creation');
});

/** A particle that counts 10,000 bytes: 128, an id of 5, and the rest in content and connections. */
function putLarge(id: string, attributes: ParticleAttributes = {}) {
  const connections = [...Array.from({ length: 31 }, (_, index) => `${index}`.padEnd(124, 'c')), 'd'.repeat(23)];
  return put(id, { content: '漢'.repeat(2000), connections, ...attributes });
}

const limit = 4 * 1024 * 1024;
const largeId = (index: number) => `p${1000 + index}`;

function putAllLarge(server: Server, timestamps: readonly number[], firstCounter = 1): void {
  timestamps.forEach((timestamp, index) => {
    server.deliver(sent('a', [firstCounter + index, timestamp], putLarge(largeId(firstCounter - 1 + index))));
  });
}

t.test('4 MiB of particles are kept, and more evicts all but the newest with 80 % of it', async (t) => {
  const server = createServer();
  putAllLarge(server, range(1, 419));
  const rest = limit - 419 * 10_000;
  server.deliver(sent('a', [420, 420], put('last', { content: 'x'.repeat(rest - 128 - 4) })));
  t.strictSame([server.state.particles.size, getParticleIndex(server.state).bytes], [420, limit], 'exactly 4 MiB');
  server.deliver(sent('a', [421, 421], put('last', { content: 'x'.repeat(rest - 128 - 3) })));
  // 80 % are 3,355,443 bytes: 'last' with 4,305, and 335 large ones.
  t.strictSame(ids(server), [...range(84, 335).map(largeId), 'last']);
  t.equal(server.state.dynamics.evictedAt, 421);
  t.ok(getParticleIndex(server.state).bytes <= limit * 0.8);
});

t.test('the bytes of a particle are those of its current content and connections', async (t) => {
  const server = createServer();
  putAllLarge(server, range(1, 419));
  server.deliver(sent('a', [420, 420], putLarge(largeId(0), { content: '', connections: [] })));
  server.deliver(sent('a', [421, 421], remove(largeId(1))));
  t.equal(getParticleIndex(server.state).bytes, 417 * 10_000 + 128 + 5);
  server.deliver(sent('a', [422, 422], putLarge(largeId(419))));
  t.equal(server.state.dynamics.evictedAt, 0);
});

t.test('an old particle does not stay in the place of a newer one that is too large', async (t) => {
  const server = createServer();
  server.deliver(sent('a', [1, 1], put('small')));
  putAllLarge(server, range(2, 420), 2);
  t.notOk(server.state.particles.has('small'), 'although it would fit');
  t.strictSame(ids(server), range(86, 335).map(largeId));
});

t.test('with many small and few large particles, both limits hold after an eviction', async (t) => {
  const server = createServer();
  putAllLarge(server, range(1, 330));
  for (const index of range(331, 671)) server.deliver(sent('a', [index, index], put(`small${index}`)));
  t.equal(server.state.particles.size, 800, '671 small ones, and 129 large ones');
  t.strictSame(ids(server).slice(0, 129), range(201, 129).map(largeId));
});

/** What an app may write, by the client's own rules, which have to agree with the schemas of the server. */
import fc from 'fast-check';
import t from 'tap';
import { createFieldClient } from '../../../client/field-client.ts';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import type { FieldClient, ParticleInput } from '../../../client/types.ts';
import { findFault } from '../../../client/updates/find-fault.ts';
import { createUpdateSchema } from '../../../shared/contract/update.ts';
import { eventTypes } from '../../../shared/field/update.ts';
import { throughJson } from '../contract/valid-updates.ts';

function makeOfflineClient() {
  return createFieldClient({ url: 'http://127.0.0.1:9', field: 'f', storage: memoryStorage() });
}

const circular: Record<string, unknown> = {};
circular.self = circular;

const invalidCalls: Record<string, (client: FieldClient) => unknown> = {
  'an unknown event': (client) => client.emit('nonsense' as 'void'),
  'an event that is a name of Object': (client) => client.emit('constructor' as 'void'),
  'an intensity that is no number': (client) => client.emit('void', Number.NaN),
  'a BigInt as content': (client) => client.putParticle('p', { content: 1n as unknown as string }),
  'a circular object as content': (client) => client.putParticle('p', { content: circular as unknown as string }),
  'a lone surrogate': (client) => client.putParticle('p', { content: 'a\ud800b' }),
  'a resonance above 1': (client) => client.putParticle('p', { resonance: 2 }),
  'an infinite position': (client) => client.putParticle('p', { position: { x: 0, y: Number.POSITIVE_INFINITY } }),
  'a position of null': (client) => client.putParticle('p', { position: null } as unknown as ParticleInput),
  'an unknown attribute': (client) => client.putParticle('p', { colour: 'red' } as ParticleInput),
  'connections that are no list': (client) => client.putParticle('p', { connections: 'pq' as unknown as string[] }),
  'an empty id': (client) => client.removeParticle(''),
  'an id of 129 characters': (client) => client.putParticle('x'.repeat(129), {}),
  'no cells': (client) => client.setCells([]),
  'cells that are no list': (client) => client.setCells({ x: 1, y: 1, value: 1 } as never),
  'a cell of null': (client) => client.setCells([null as never]),
  'a fractional cell': (client) => client.setCells([{ x: 0.5, y: 0, value: 1 }]),
  'one cell twice': (client) =>
    client.setCells([
      { x: 1, y: 1, value: 1 },
      { x: 1, y: 1, value: 0 },
    ]),
};

for (const [what, call] of Object.entries(invalidCalls)) {
  t.test(`a call with ${what} throws, and changes nothing`, async (t) => {
    const client = makeOfflineClient();
    client.putParticle('before', { content: 'is kept' });
    const { outbox, state } = client;
    t.throws(() => call(client), TypeError);
    t.equal(client.outbox, outbox);
    t.same(client.state, state);
    t.equal(client.putParticle('after', {}).counter, 2);
  });
}

t.test('the error says what is wrong, and has a code', async (t) => {
  const client = makeOfflineClient();
  t.throws(() => client.putParticle('p', { resonance: 2 }), {
    code: 'invalid_update',
    message: 'The update is invalid: resonance.',
  });
});

const junk = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    1.5,
    1e308,
    '',
    'x\u0000',
    '\ud800',
    '😀',
    'x'.repeat(129),
    'x'.repeat(2001),
    '__proto__',
  ),
  fc.constantFrom([], {}, ['a'], [''], [1], { x: 1, y: 1, z: 1 }, { x: 1, y: 1, z: 1, w: 1 }, { x: '1', y: 1, z: 1 }),
  fc.constantFrom([{ x: 1, y: 2, value: 0.5 }], [{ x: 1, y: 2, value: 2 }], [{ x: -1, y: 2, value: 1 }], [null]),
  fc.constant(Array.from({ length: 65 }, () => 'p')),
  fc.constant(Array.from({ length: 901 }, (_, index) => ({ x: index % 30, y: Math.floor(index / 30) % 30, value: 1 }))),
);
const anyOf = (...valid: unknown[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...valid) }, { weight: 1, arbitrary: junk });
const anyContent = fc.record(
  {
    kind: anyOf('particle.put', 'particle.remove', 'cells.set', 'event', 'constructor'),
    id: anyOf('p', 'x'.repeat(128)),
    position: anyOf({ x: 0, y: -1, z: 1e308 }),
    velocity: anyOf({ x: 0, y: 0, z: 0 }),
    resonance: anyOf(0, 0.5, 1),
    content: anyOf('', 'x'.repeat(2000), 'ä𝄞'),
    connections: anyOf([], ['p', 'p']),
    cells: anyOf([{ x: 0, y: 29, value: 1 }]),
    type: anyOf(...eventTypes),
    intensity: anyOf(0, 1),
    other: junk,
  },
  { requiredKeys: [] },
);
/** Only what the kind has is kept in most cases, since an unknown key is refused whatever else there is. */
const keysOf = new Map<unknown, string[]>([
  ['particle.put', ['id', 'position', 'velocity', 'resonance', 'content', 'connections']],
  ['particle.remove', ['id']],
  ['cells.set', ['cells']],
  ['event', ['type', 'intensity']],
]);

t.test('an update is valid for the client exactly when it is valid for the server', async (t) => {
  const schema = createUpdateSchema(30);
  const counts = { valid: 0, invalid: 0 };
  const property = fc.property(anyContent, fc.nat({ max: 9 }), (generated, die) => {
    const keys = keysOf.get(generated.kind);
    const isKept = ([key]: [string, unknown]) => die === 0 || key === 'kind' || !keys || keys.includes(key);
    const content = Object.fromEntries(Object.entries(generated).filter(isKept));
    const isValid = schema.safeParse(throughJson({ ...content, counter: 1, timestamp: 1 })).success;
    counts[isValid ? 'valid' : 'invalid'] += 1;
    return (findFault(content) === undefined) === isValid;
  });
  fc.assert(property, { numRuns: 5000, seed: 1 });
  t.ok(counts.valid > 500 && counts.invalid > 500, JSON.stringify(counts));
});

t.test('a particle can be put as it was read: only what differs is written', async (t) => {
  const client = makeOfflineClient();
  client.putParticle('p', { position: { x: 1, y: 2 }, resonance: 0.8, content: 'a', connections: ['q', 'r', 's'] });
  const particle = client.state.memoryParticles[0] as ParticleInput;
  t.match(particle, { crystallized: true, resonance: 0.9 });
  t.same(contentOf(client.putParticle('p', { ...particle, content: 'b' })), {
    kind: 'particle.put',
    id: 'p',
    content: 'b',
  });
  const changed = client.putParticle('p', { ...particle, position: { x: 3, y: 2 }, resonance: 0.5, content: 'b' });
  t.same(contentOf(changed), { kind: 'particle.put', id: 'p', position: { x: 3, y: 2, z: 0 }, resonance: 0.5 });
  const copy = client.putParticle('copy', particle);
  t.match(contentOf(copy), { id: 'copy', content: 'a', connections: ['q', 'r', 's'], position: { x: 1, y: 2, z: 0 } });
  t.same(contentOf(client.putParticle('p', { content: 'b' })), { kind: 'particle.put', id: 'p', content: 'b' });
});

function contentOf({ update }: { update: object }) {
  const { counter, timestamp, seen, ...content } = update as Record<string, unknown>;
  return content;
}

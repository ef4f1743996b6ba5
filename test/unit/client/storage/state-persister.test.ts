import t from 'tap';
import { StatePersister } from '../../../../client/storage/persistence/state-persister.ts';
import type { FieldView } from '../../../../client/types.ts';
import { stateAt } from '../support/fake-server.ts';
import { createFaultyStorage, type FaultyStorage } from '../support/faulty-storage.ts';
import { cursorAt } from '../support/load-outbox.ts';

const field = 'f';

/** @param length of the contents of all particles together, in characters */
function createView(length: number, character = 'x', version = 1): FieldView {
  const view = stateAt(cursorAt(version));
  const particle = {
    position: { x: 1, y: 2, z: 3 },
    velocity: { x: 0, y: 0, z: 0 },
    resonance: 0.5,
    crystallized: false,
  };
  const memoryParticles = Array.from({ length: Math.ceil(length / 2000) }, (_, index) => ({
    ...particle,
    id: `p-${index}`,
    content: character.repeat(2000 / character.length),
    connections: ['p-0'],
    timestamp: 1,
    device: 'd' as FieldView['memoryParticles'][number]['device'],
  }));
  return { ...view, memoryParticles, cells: { '1,2': 0.5 } };
}

function createPersister(storage: FaultyStorage, account?: string) {
  const [damaged, problems]: [string[], unknown[]] = [[], []];
  const persister = new StatePersister({
    storage,
    field,
    account: () => account,
    onDamage: (key) => damaged.push(key),
    onProblem: (error) => problems.push(error),
  });
  return { persister, damaged, problems, load: () => persister.load() };
}

async function withSaved(view: FieldView) {
  const storage = createFaultyStorage();
  await createPersister(storage).persister.save(view);
  return storage;
}

t.test('a state of any size is stored in values of at most 256 kB, and loaded as it was', async (t) => {
  for (const [length, character] of [
    [0, 'x'],
    [2_000_000, '€'],
    [2_000_000, '😀'],
    [400_000, '"'],
  ] as const) {
    const view = createView(length, character);
    const storage = await withSaved(view);
    const sizes = [...storage.values.values()].map((value) => Buffer.byteLength(value));
    t.ok(Math.max(...sizes) <= 256_000, `${sizes.length} values of up to ${Math.max(...sizes)} bytes`);
    t.ok(
      [...storage.values.values()].every((value) => value.isWellFormed()),
      'no character is split',
    );
    const { load, damaged } = createPersister(storage);
    t.same(await load(), view);
    t.same(damaged, []);
  }
});

t.test('a smaller state leaves nothing of a larger one', async (t) => {
  const storage = await withSaved(createView(500_000));
  const { persister, load } = createPersister(storage);
  await load();
  const smaller = createView(100_000, 'y', 2);
  await persister.save(smaller);
  t.equal(storage.values.size, 2);
  t.same(await createPersister(storage).load(), smaller);
});

t.test('a state that is torn, foreign or unreadable is dropped and reported, and another can be saved', async (t) => {
  const view = createView(300_000);
  const damages: Record<string, (storage: FaultyStorage) => void> = {
    'an empty value': ({ values }) => values.set('state/0', ''),
    'a torn first chunk': ({ values }) => values.set('state/0', values.get('state/0')?.slice(0, 1000) ?? ''),
    'a torn other chunk': ({ values }) => values.set('state/2', values.get('state/2')?.slice(0, 1000) ?? ''),
    'a missing chunk': ({ values }) => values.delete('state/1'),
    'JSON of something else': ({ values }) => values.set('state/0', '{"stamp":"s","count":1}\n{"field":"f"}'),
    'a list': ({ values }) => values.set('state/0', '[]\n[]'),
    'an absurd number of chunks': ({ values }) => values.set('state/0', '{"stamp":"s","count":1e15}\n{}'),
    'a state of another field': ({ values }) =>
      values.set('state/0', values.get('state/0')?.replace('"field":"f"', '"field":"g"') ?? ''),
    'a first chunk that cannot be read': (storage) => Object.assign(storage, { unreadable: /state\/0/ }),
    'another chunk that cannot be read': (storage) => Object.assign(storage, { unreadable: /state\/1/ }),
  };
  for (const [what, damage] of Object.entries(damages)) {
    const storage = await withSaved(view);
    damage(storage);
    const { persister, load, damaged } = createPersister(storage);
    t.equal(await load(), undefined, what);
    t.same(damaged, ['state/0'], what);
    t.same([...storage.values.keys()], [], `${what}: no chunk takes up space any more`);
    storage.unreadable = undefined;
    await persister.save(view);
    t.same(await createPersister(storage).load(), view, what);
  }
});

t.test('chunks of two saves are never mixed', async (t) => {
  const storage = await withSaved(createView(300_000, 'x', 1));
  const former = new Map(storage.values);
  await createPersister(storage).persister.save(createView(300_000, 'y', 2));
  storage.values.set('state/1', former.get('state/1') ?? '');
  t.equal(await createPersister(storage).load(), undefined);
});

t.test('values that no state has are refused', async (t) => {
  const particle = createView(1).memoryParticles[0];
  const changes: Record<string, unknown>[] = [
    { cursor: '1.xyz' },
    { version: -1 },
    { maxTimestamp: 'now' },
    { globalResonance: null },
    { cells: { '1,2': 'x' } },
    { memoryParticles: [null] },
    { memoryParticles: [{ ...particle, position: { x: 0, y: 0 } }] },
    { memoryParticles: [{ ...particle, connections: null }] },
    { quantumFields: [{ id: 'primary-field' }] },
  ];
  for (const change of changes) {
    const storage = await withSaved({ ...createView(1), ...change } as FieldView);
    t.equal(await createPersister(storage).load(), undefined, JSON.stringify(change));
  }
});

t.test('the state of one account is not shown to another', async (t) => {
  const storage = createFaultyStorage();
  const view = createView(1);
  await createPersister(storage, 'alice').persister.save(view);
  for (const account of ['bob', undefined]) t.equal(await createPersister(storage, account).load(), undefined);
  t.same(await createPersister(storage, 'alice').load(), view);
});

t.test('a state that does not fit leaves nothing behind, and is tried again after five minutes', async (t) => {
  const storage = createFaultyStorage();
  storage.quota = 200_000;
  const { persister, problems } = createPersister(storage);
  await persister.save(createView(1_000_000));
  t.same([...storage.values.keys()], []);
  t.match(problems, [{ message: /quota/ }]);
  const small = createView(1, 'x', 2);
  for (let second = 0; second < 299; second += 1) persister.saveThrottled(small, 1000);
  await persister.save(small);
  t.same([...storage.values.keys()], []);
  persister.saveThrottled(small, 1000);
  await persister.save(small);
  t.same(await createPersister(storage).load(), small);
});

t.test('large states are saved less often than small ones', async (t) => {
  for (const [length, minSeconds, maxSeconds] of [
    [1, 5, 6],
    [1_000_000, 50, 70],
  ] as const) {
    const storage = createFaultyStorage();
    const { persister } = createPersister(storage);
    persister.saveThrottled(createView(length), 0);
    await persister.save(createView(length));
    let passed = 0;
    for (const before = storage.calls.length; storage.calls.length === before; passed += 1) {
      persister.saveThrottled(createView(length, 'y', 2 + passed), 1000);
      await new Promise(setImmediate);
    }
    t.ok(passed >= minSeconds && passed <= maxSeconds, `${length} characters after ${passed} s`);
  }
});

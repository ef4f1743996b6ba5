import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { guardStorage, prioritize } from '../../../../client/storage/persistence/guarded-storage.ts';
import { createFaultyStorage } from '../support/faulty-storage.ts';

function withClock(t: Test) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  return async (ms: number) => {
    await nextTurn();
    mock.timers.tick(ms);
    await nextTurn();
  };
}

function observe(promise: Promise<unknown>) {
  const observed = { outcome: 'pending' };
  promise.then(
    (value) => Object.assign(observed, { outcome: value }),
    (error) => Object.assign(observed, { outcome: String(error) }),
  );
  return observed;
}

t.test('a call that never ends is rejected after 10 s, and others after 1 s as long as it lasts', async (t) => {
  const pass = withClock(t);
  const storage = createFaultyStorage([['b', 'value']]);
  const guarded = guardStorage(storage);
  storage.hang(/./);
  const first = observe(guarded.get('a'));
  await pass(9999);
  t.equal(first.outcome, 'pending');
  await pass(1);
  t.match(first.outcome, /did not answer in time for a/);
  const second = observe(guarded.get('b'));
  await pass(1000);
  t.match(second.outcome, /did not answer in time for b/);
  storage.release();
  await pass(0);
  t.equal(await guarded.get('b'), 'value');
  storage.hang(/./);
  const third = observe(guarded.get('b'));
  await pass(9999);
  t.equal(third.outcome, 'pending', 'the storage has the full time again');
});

t.test('a write that ends too late replaces no newer value', async (t) => {
  const pass = withClock(t);
  const storage = createFaultyStorage();
  const guarded = guardStorage(storage);
  storage.hang(/^set/);
  const late = observe(guarded.set('key', 'old'));
  await pass(10_000);
  t.match(late.outcome, /in time/);
  await t.rejects(guarded.set('key', 'new'), /has not finished an earlier call for key/);
  storage.release();
  await pass(0);
  await guarded.set('key', 'new');
  t.equal(storage.values.get('key'), 'new');
});

t.test('calls for one key are made one after the other', async (t) => {
  const values: string[] = [];
  const delays = [30, 20, 10];
  const guarded = guardStorage({
    get: async () => null,
    set: (_key, value) =>
      new Promise((resolve) => setTimeout(resolve, delays.shift())).then(() => void values.push(value)),
    remove: async () => {},
  });
  await Promise.all(['1', '2', '3'].map((value) => guarded.set('key', value)));
  t.same(values, ['1', '2', '3']);
});

t.test('what is not text counts as missing', async (t) => {
  const guarded = guardStorage({ ...createFaultyStorage(), get: async () => undefined as unknown as null });
  t.equal(await guarded.get('key'), null);
});

t.test('room is made for a value of importance, and failures are reported once until a write succeeds', async (t) => {
  const storage = createFaultyStorage([['state', 'x'.repeat(90)]]);
  storage.quota = 100;
  const problems: unknown[] = [];
  const important = prioritize(
    storage,
    () => storage.remove('state'),
    (error) => problems.push(error),
  );
  await important.set('entry', 'x'.repeat(20));
  t.same([...storage.values.keys()], ['entry']);
  t.same(problems, []);
  for (const key of ['large', 'larger']) await t.rejects(important.set(key, 'x'.repeat(100)), /quota/);
  t.equal(problems.length, 1);
  await important.set('small', 'x');
  await t.rejects(important.set('large', 'x'.repeat(100)));
  t.equal(problems.length, 2);
});

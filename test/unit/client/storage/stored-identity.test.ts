import t from 'tap';
import { createFaultyStorage } from '../support/faulty-storage.ts';

t.test('a token that a full storage did not take is written with the next retry', async (t) => {
  const storage = createFaultyStorage();
  const open = () =>
    storage.openPersistence({
      ...{ field: 'f', addresses: ['http://127.0.0.1'], account: () => undefined },
      onProblem: () => undefined,
    });
  const { identity, items } = open();
  await identity.load();
  storage.quota = 0;
  await identity.saveToken('first');
  await identity.saveToken('second');
  t.same(await open().identity.load(), {});
  storage.quota = Number.POSITIVE_INFINITY;
  items.retry();
  await items.flush();
  t.same(await open().identity.load(), { token: 'second' });
});

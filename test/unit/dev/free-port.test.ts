import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { findFreePort } from '../../../dev/processes/free-port.ts';

function listen(t: Test): Promise<number> {
  const server = createServer();
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(address && typeof address === 'object' ? address.port : 0);
    });
  });
}

t.test('the wanted port is taken when it is free', async (t) => {
  const wanted = await findFreePort();
  t.equal(await findFreePort(wanted), wanted);
});

t.test('a port that is in use is replaced by a free one', async (t) => {
  const taken = await listen(t);
  const found = await findFreePort(taken);
  t.not(found, taken);
  t.ok(found > 0);
});

t.test('a host that is not of this machine is refused by name', async (t) => {
  await t.rejects(findFreePort(0, '203.0.113.7'), { message: /HOST=203\.0\.113\.7/ });
});

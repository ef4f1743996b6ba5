import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { startDeadline } from '../../../shared/process/deadline.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

t.test('a request that is not answered ends at its deadline, whatever is collected as garbage meanwhile', async (t) => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const collecting = setInterval(collectGarbage, 10);
  t.teardown(() => {
    clearInterval(collecting);
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const sent = request({ port, signal: startDeadline(new AbortController().signal, 300).signal });
  sent.end();
  const [error] = await once(sent, 'error');
  t.match(error, { name: 'AbortError', cause: { name: 'TimeoutError', message: 'no answer within 0.3 s' } });
});

t.test('it aborts with the other signal, unless it was cleared', async (t) => {
  const stop = new AbortController();
  const [deadline, cleared] = [startDeadline(stop.signal, 60_000), startDeadline(stop.signal, 60_000)];
  cleared.clear();
  stop.abort('stopped');
  t.equal(deadline.signal.reason, 'stopped');
  t.notOk(cleared.signal.aborted);
  t.equal(startDeadline(stop.signal, 60_000).signal.reason, 'stopped');
});

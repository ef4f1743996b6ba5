import { mock } from 'node:test';
import t from 'tap';
import { RequestError } from '../../../client/connection/http.ts';
import type { TransportOptions } from '../../../client/connection/transport.ts';
import { TransportSelector } from '../../../client/connection/transport-selector.ts';
import { HybridClock } from '../../../client/hybrid-clock.ts';
import type { TransportName } from '../../../client/types.ts';
import { asCursor } from '../../support/updates.ts';

class SilentSocket {
  send(): void {}
  close(): void {}
  addEventListener(): void {}
}

const options: TransportOptions = {
  ...{ url: 'http://127.0.0.1', token: 'token', clock: new HybridClock(Date.now) },
  ...{ cursor: () => asCursor(0), isHistoryBroken: undefined, region: () => '' },
  emptyState: () => {
    throw new Error('not needed here');
  },
  ...{ onOpen: () => undefined, onMessage: () => undefined },
};

t.test('a WebSocket that fails', async (t) => {
  mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now: 1_700_000_000_000 });
  t.teardown(() => mock.timers.reset());
  const selector = new TransportSelector({
    sendRequest: () => Promise.reject(new RequestError('network', 'not needed here')),
    transports: undefined,
    WebSocket: SilentSocket,
  });
  /** Which transport is opened now. */
  const open = (): TransportName => {
    const transport = selector.open(options);
    transport.close();
    return transport.name;
  };
  const failTwice = () => {
    t.notOk(selector.recordEnd({ reason: 'blocked' }, false));
    t.equal(open(), 'websocket');
    t.ok(selector.recordEnd({ reason: 'blocked' }, false));
    t.equal(open(), 'polling');
  };

  t.equal(open(), 'websocket');
  failTwice();
  mock.timers.tick(4000);
  selector.recordEnd({ reason: 'closed' }, true);
  t.equal(open(), 'websocket', 'is tried again soon, since the network may have returned in between');

  t.ok(selector.recordEnd({ reason: 'blocked' }, false), 'one more failure is enough');
  t.equal(open(), 'polling');
  mock.timers.tick(59_000);
  selector.recordEnd({ reason: 'closed' }, true);
  t.equal(open(), 'polling', 'is then tried once a minute');
  mock.timers.tick(1000);
  selector.recordEnd({ reason: 'closed' }, true);
  t.equal(open(), 'websocket');

  selector.recordEnd({ reason: 'closed' }, true);
  t.equal(open(), 'websocket', 'is used as long as it works');
  failTwice();
  mock.timers.tick(4000);
  selector.recordEnd({ reason: 'closed' }, true);
  t.equal(open(), 'websocket', 'is tried again soon after it has worked');
});

/** Rejected tokens and restarts, with a `fetch` that the test controls, so that it can force every order of events. */
import { mock } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { TokenProvider } from '../../client/connection/token-provider.ts';
import type { FieldClientOptions } from '../../client/options.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import { waitUntil } from '../support/wait-until.ts';
import { makeClient, waitForStatus } from './with-client.ts';

const fieldUrl = 'http://127.0.0.1/api/fields/f';

interface Request {
  readonly path: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

type FakeResponse = readonly [status: number, body?: object];

/** A client whose requests the test responds to, and the requests it has sent. `undefined` means that no response comes. */
function makeFakedClient(
  t: Test,
  respond: (request: Request) => FakeResponse | undefined,
  options: Partial<FieldClientOptions>,
) {
  const requests: Request[] = [];
  const fetch = async (url: string | URL | globalThis.Request, init: RequestInit = {}) => {
    const token = (new Headers(init.headers).get('authorization') ?? '').replace('Bearer ', '');
    const [path = ''] = String(url).slice(fieldUrl.length).split('?');
    const { signal } = init;
    if (!signal) throw new Error('The request has no time limit.');
    const request = { path, token, signal };
    requests.push(request);
    const [status, body] =
      respond(request) ??
      (await new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
    return new Response(JSON.stringify(status < 400 ? (body ?? {}) : { ...body, status }), { status });
  };
  const client = makeClient(t, {
    url: 'http://127.0.0.1',
    field: 'f',
    deviceId: 'd',
    transports: ['polling'],
    random: () => 0,
    fetch,
    ...options,
  });
  return { client, requests };
}

const forbidden: FakeResponse = [403, { code: 'forbidden', title: 'No access to this field' }];
const empty: FakeResponse = [404, { code: 'field_not_found', title: 'The field has no updates' }];
const emptyClock: FakeResponse = [200, { clock: {} }];

/** A server that allows everything, but never responds to updates. */
const allow = ({ path }: Request) => (path === '' ? empty : path === '/clock' ? emptyClock : undefined);

function createTokenProvider(now: () => number, getToken: () => string | Promise<string>): TokenProvider {
  return new TokenProvider({
    ...{ url: fieldUrl, storage: memoryStorage(), formerStorages: [], sharedStorage: {}, now, getToken },
    fetch: () => Promise.reject(new Error('No request was expected.')),
    onAccount: () => undefined,
  });
}

t.test('after a restart, a rejected token that the app had handed out again is not used', async (t) => {
  let token = 'bad';
  let hasRetried = false;
  const isRetry = ({ path }: Request) => path === '/clock' && requests.filter((each) => each.path === path).length > 1;
  const { client, requests } = makeFakedClient(
    t,
    (request) => {
      if (request.token === 'good') return allow(request);
      hasRetried ||= isRetry(request);
      return isRetry(request) ? undefined : forbidden;
    },
    { getToken: () => token },
  );
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  await waitForStatus(client, 'refused');
  await waitUntil('the sender retries with the same token', () => hasRetried);
  token = 'good';
  await client.close();
  const before = requests.length;
  await client.start();
  await waitUntil('three requests are sent', () => requests.length >= before + 3);
  t.same(
    requests
      .slice(before)
      .map((request) => `${request.path} ${request.token}`)
      .sort(),
    [' good', '/clock good', '/updates good'],
  );
});

t.test('a client calls getToken again when it is started again', async (t) => {
  let token = 'first';
  const { client, requests } = makeFakedClient(t, allow, { getToken: () => token });
  await client.start();
  await waitForStatus(client, 'polling');
  await client.close();
  token = 'second';
  await client.start();
  await waitForStatus(client, 'polling');
  t.same(
    requests.map((request) => request.token),
    ['first', 'second'],
  );
});

t.test('a token that is rejected when the counter is read is replaced', async (t) => {
  const tokens = ['bad', 'good'];
  const { client, requests } = makeFakedClient(
    t,
    (request) => (request.path === '/clock' && request.token === 'bad' ? forbidden : allow(request)),
    { getToken: () => tokens.shift() ?? 'none left' },
  );
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  const clocks = () => requests.filter(({ path }) => path === '/clock').map((request) => request.token);
  await waitUntil('the counter is read twice', () => clocks().length >= 2);
  t.same(clocks().slice(0, 2), ['bad', 'good']);
});

t.test(
  'a token that was rejected during its renewal, and is returned by it, is used once and then renewed again',
  async (t) => {
    const sign = (id: string) => `${id}.${btoa(JSON.stringify({ device: 'd', exp: 100 }))}.`;
    const pendingCalls: ((token: string) => void)[] = [];
    let now = 0;
    const tokenProvider = createTokenProvider(
      () => now,
      () => new Promise((resolve) => pendingCalls.push(resolve)),
    );
    const first = tokenProvider.getToken();
    pendingCalls[0]?.(sign('bad'));
    t.equal(await first, sign('bad'));
    now = 60_000;
    const renewed = tokenProvider.getToken();
    tokenProvider.invalidate(sign('bad'));
    pendingCalls[1]?.(sign('bad'));
    t.equal(await renewed, sign('bad'));
    const next = tokenProvider.getToken();
    t.equal(pendingCalls.length, 3);
    pendingCalls[2]?.(sign('good'));
    t.equal(await next, sign('good'));
    t.equal(await tokenProvider.getToken(), sign('good'));
    t.equal(pendingCalls.length, 3, 'the accepted token is cached');
  },
);

t.test('pauses that have grown are short again after a restart', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  t.teardown(() => mock.timers.reset());
  const { client, requests } = makeFakedClient(t, () => [503], { getToken: () => 'any', random: () => 1 });
  const count = (path: string) => requests.filter((request) => request.path === path).length;
  const advance = async (ms: number) => {
    mock.timers.tick(ms);
    await nextTick();
  };
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  await nextTick();
  for (const ms of [500, 1000, 2000, 4000]) await advance(ms);
  t.same([count(''), count('/clock')], [5, 5]);
  await client.close();
  await client.start();
  await nextTick();
  t.same([count(''), count('/clock')], [6, 6]);
  await advance(500);
  t.same([count(''), count('/clock')], [7, 7]);
  await client.close();
});

t.test('an expired token is replaced at once, also after a restart', async (t) => {
  const tokens = ['expired-1', 'expired-2', 'expired-3', 'good'];
  const { client } = makeFakedClient(
    t,
    (request) => (request.token === 'good' ? allow(request) : [401, { code: 'unauthorized', title: 'Expired' }]),
    { getToken: () => tokens.shift() ?? 'none left' },
  );
  await client.start();
  await waitForStatus(client, 'refused');
  await client.close();
  await client.start();
  const status = await waitUntil('the status is decided', () => client.status !== 'connecting' && client.status);
  t.equal(status, 'polling');
});

t.test('closing a client aborts the request for its counter', async (t) => {
  const { client, requests } = makeFakedClient(t, ({ path }) => (path === '' ? empty : undefined), {
    getToken: () => 'any',
  });
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  const counterRequest = await waitUntil('the counter is requested', () =>
    requests.find(({ path }) => path === '/clock'),
  );
  const closed = client.close();
  await nextTick();
  t.equal(counterRequest.signal.aborted, true);
  await closed;
});

t.test('a request in flight does not delay closing', async (t) => {
  const { client, requests } = makeFakedClient(t, () => undefined, { getToken: () => 'any' });
  await client.start();
  const poll = await waitUntil('the state is requested', () => requests.find(({ path }) => path === ''));
  const closed = client.close();
  await nextTick();
  t.equal(poll.signal.aborted, true);
  await closed;
});

t.test('a getToken that never resolves does not delay closing, and is called again by the next start', async (t) => {
  let calls = 0;
  const { client } = makeFakedClient(t, allow, {
    getToken: () => {
      calls += 1;
      return calls === 1 ? new Promise<never>(() => undefined) : 'good';
    },
  });
  const problems: string[] = [];
  client.on('problem', ({ message }) => problems.push(message));
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  await waitUntil('getToken was called', () => calls === 1);
  let isClosed = false;
  void client.close().then(() => {
    isClosed = true;
  });
  await waitUntil('the client is closed', () => isClosed);
  t.equal(client.status, 'closed');
  t.same(problems, [], 'closing is not a problem');
  await client.start();
  await waitForStatus(client, 'polling');
});

t.test('a token that was rejected once and accepted later is not requested again', async (t) => {
  let calls = 0;
  const tokenProvider = createTokenProvider(
    () => 0,
    () => {
      calls += 1;
      return 'same';
    },
  );
  await tokenProvider.getToken();
  tokenProvider.invalidate('same');
  t.equal(await tokenProvider.getToken(), 'same');
  t.equal(calls, 2, 'the rejection calls getToken once more');
  for (let request = 0; request < 3; request += 1) await tokenProvider.getToken();
  t.equal(calls, 2, 'requests after that use the cached token');
});

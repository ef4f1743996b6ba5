/** Refused tokens and restarts, against a `fetch` that the test controls: each order of events is forced. */
import { mock } from 'node:test';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { TokenProvider } from '../../client/connection/token-provider.ts';
import { memoryStorage } from '../../client/storage/storage.ts';
import type { FieldClientOptions } from '../../client/types.ts';
import { waitUntil } from '../support/wait-until.ts';
import { makeClient, waitForStatus } from './with-client.ts';

const fieldUrl = 'http://127.0.0.1/api/fields/f';

interface Request {
  readonly path: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

type Answer = readonly [status: number, body?: object];

/** A client whose requests the test answers, and the requests that it has sent. Undefined: no answer ever comes. */
function makeFakedClient(
  t: Test,
  answer: (request: Request) => Answer | undefined,
  options: Partial<FieldClientOptions>,
) {
  const requests: Request[] = [];
  const fetch = async (url: string | URL | globalThis.Request, init: RequestInit = {}) => {
    const token = (new Headers(init.headers).get('authorization') ?? '').replace('Bearer ', '');
    const [path = ''] = String(url).slice(fieldUrl.length).split('?');
    const { signal } = init;
    if (!signal) throw new Error('a request without a time limit');
    const request = { path, token, signal };
    requests.push(request);
    const [status, body] =
      answer(request) ??
      (await new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
    return new Response(JSON.stringify(body ?? {}), { status });
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

const forbidden: Answer = [403, { code: 'forbidden', title: 'Not into this field' }];
const empty: Answer = [404, { code: 'field_not_found', title: 'Nobody has written to it' }];
const noClock: Answer = [200, { clock: {} }];

/** Of a server to which everything is allowed, but which never answers to updates. */
const allow = ({ path }: Request) => (path === '' ? empty : path === '/clock' ? noClock : undefined);

t.test('after a restart, a token that was asked for again since its refusal is not used', async (t) => {
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
  await waitUntil('the sender tries again with the same token', () => hasRetried);
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

t.test('a start asks for a token', async (t) => {
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

t.test('a token that the clock is refused to is given up', async (t) => {
  const tokens = ['bad', 'good'];
  const { client, requests } = makeFakedClient(
    t,
    (request) => (request.path === '/clock' && request.token === 'bad' ? forbidden : allow(request)),
    { getToken: () => tokens.shift() ?? 'none is left' },
  );
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  const clocks = () => requests.filter(({ path }) => path === '/clock').map((request) => request.token);
  await waitUntil('the clock is asked twice', () => clocks().length >= 2);
  t.same(clocks().slice(0, 2), ['bad', 'good']);
});

t.test('a refused token that is handed out once more is used once, and then another is asked for', async (t) => {
  const sign = (id: string) => `${id}.${btoa(JSON.stringify({ device: 'd', exp: 100 }))}.`;
  const asked: ((token: string) => void)[] = [];
  let now = 0;
  const credentials = new TokenProvider({
    url: fieldUrl,
    storage: memoryStorage(),
    fetch: () => Promise.reject(new Error('nothing is to be fetched')),
    now: () => now,
    getToken: () => new Promise((resolve) => asked.push(resolve)),
  });
  const first = credentials.getToken();
  asked[0]?.(sign('bad'));
  t.equal(await first, sign('bad'));
  now = 60_000;
  const renewed = credentials.getToken();
  credentials.invalidate(sign('bad'));
  asked[1]?.(sign('bad'));
  t.equal(await renewed, sign('bad'));
  const next = credentials.getToken();
  t.equal(asked.length, 3);
  asked[2]?.(sign('good'));
  t.equal(await next, sign('good'));
  t.equal(await credentials.getToken(), sign('good'));
  t.equal(asked.length, 3, 'what was not refused is kept');
});

t.test('pauses that grew before a restart are short again after it', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  t.teardown(() => mock.timers.reset());
  const { client, requests } = makeFakedClient(t, () => [503], { getToken: () => 'any', random: () => 1 });
  const count = (path: string) => requests.filter((request) => request.path === path).length;
  const pass = async (ms: number) => {
    mock.timers.tick(ms);
    await endOfTurn();
  };
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  await endOfTurn();
  for (const ms of [500, 1000, 2000, 4000]) await pass(ms);
  t.same([count(''), count('/clock')], [5, 5]);
  await client.close();
  await client.start();
  await endOfTurn();
  t.same([count(''), count('/clock')], [6, 6]);
  await pass(500);
  t.same([count(''), count('/clock')], [7, 7]);
  await client.close();
});

t.test('after a restart, too, an expired token is replaced at once', async (t) => {
  const tokens = ['expired-1', 'expired-2', 'expired-3', 'good'];
  const { client } = makeFakedClient(
    t,
    (request) => (request.token === 'good' ? allow(request) : [401, { code: 'unauthorized', title: 'Expired' }]),
    { getToken: () => tokens.shift() ?? 'none is left' },
  );
  await client.start();
  await waitForStatus(client, 'refused');
  await client.close();
  await client.start();
  const status = await waitUntil('it is decided', () => client.status !== 'connecting' && client.status);
  t.equal(status, 'polling');
});

t.test('a client that is closed does not wait for the answer of the clock', async (t) => {
  const { client, requests } = makeFakedClient(t, ({ path }) => (path === '' ? empty : undefined), {
    getToken: () => 'any',
  });
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await client.start();
  const clock = await waitUntil('the clock is asked', () => requests.find(({ path }) => path === '/clock'));
  const closed = client.close();
  await endOfTurn();
  t.equal(clock.signal.aborted, true);
  await closed;
});

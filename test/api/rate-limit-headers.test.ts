/** `RateLimit` and `RateLimit-Policy`, read with a parser of structured fields as clients read them. */
import { type BareItem, parseList } from 'structured-headers';
import t, { type Test } from 'tap';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { type TestResponse, withApi } from './support/with-app.ts';

const windowSeconds = 3600;
const backing = await withBacking(t, { LIMIT_WINDOW_SECONDS: String(windowSeconds), LIMIT_ADDRESS_FACTOR: '0' });
const updatesPath = '/api/fields/global/updates';
let counter = 0;
const batch = (size: number) => ({ updates: Array.from({ length: size }, () => setCell(++counter, 1, 0.5)) });

interface Limit {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** Fails the test unless the headers are of the draft's form. */
function readLimit(t: Test, { headers }: TestResponse): Limit {
  const policy = readItem(t, headers.get('ratelimit-policy'), ['q', 'w']);
  const limit = readItem(t, headers.get('ratelimit'), ['r', 't']);
  t.equal(limit.name, policy.name, 'the limit names a policy that the response has');
  const [quota = 0, seconds = 0] = policy.values;
  const [remaining = 0, resetSeconds = 0] = limit.values;
  t.ok(seconds > 0 && remaining <= quota && resetSeconds <= seconds, 'what remains is part of the policy');
  return { name: policy.name, quota, windowSeconds: seconds, remaining, resetSeconds };
}

/** A list of one string, with these parameters and no others, all of them integers from 0. */
function readItem(t: Test, header: string | null, names: readonly string[]) {
  const list = parseList(header ?? '');
  t.equal(list.length, 1, `${header} has one item`);
  const [name, parameters] = list[0] as [BareItem, Map<string, BareItem>];
  t.type(name, 'string');
  t.same([...parameters.keys()], names);
  const values = [...parameters.values()].map(Number);
  t.ok(values.every((value) => Number.isInteger(value) && value >= 0));
  return { name: String(name), values };
}

t.test('the headers are structured fields of the draft, and agree with the answer', async (t) => {
  const api = await withApi(t, backing, { LIMIT_UPDATES: '50', LIMIT_READS: '20' });
  const token = await api.createToken({ user: 'writer' });
  const accepted = readLimit(t, await api.request(updatesPath, { token, body: batch(20) }));
  t.match(accepted, { name: 'updates', quota: 50, windowSeconds, remaining: 29 });
  t.match(readLimit(t, await api.request('/api/fields/global', { token })), {
    name: 'reads',
    quota: 20,
    remaining: 19,
  });

  const refused = await api.request(updatesPath, { token, body: batch(40) });
  t.equal(refused.status, 429);
  const { remaining, resetSeconds } = readLimit(t, refused);
  t.equal(remaining, 28, 'what was refused has cost the request alone');
  const retryAfter = Number(refused.headers.get('retry-after'));
  t.ok(Math.abs(resetSeconds - retryAfter) <= 1, 'the window ends when a retry makes sense');
});

t.test('a viewer sees what remains for viewers, not what remains for whoever shared the field', async (t) => {
  const api = await withApi(t, backing, { LIMIT_READS: '20' });
  const { body } = await api.request('/api/fields/global/viewer-tokens', { token: await api.createToken(), body: {} });
  const read = async () => readLimit(t, await api.request('/api/fields/global', { token: body.token }));
  const first = await read();
  t.equal((await read()).remaining, first.remaining - 1);
});

/** Revocation of tokens that are in use, by the operators' command. */
import { createHmac } from 'node:crypto';
import { decodeJwt } from 'jose';
import t, { type Test } from 'tap';
import { settingsOf, withField } from '../cli/run-field.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream, refusedUpgrade, streamUrl } from './support/stream-client.ts';
import { withTcpGate } from './support/tcp-gate.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const backing = await withBacking(t);
const cacheGate = await withTcpGate(t, { host: '127.0.0.1', port: backing.redis.port });
const gatedCache = new URL(backing.config.CACHE_REDIS_URL);
gatedCache.port = String(cacheGate.port);
const apis = [await withApi(t, backing), await withApi(t, backing, { CACHE_REDIS_URL: gatedCache.href })] as const;
const [first, second] = apis;
const field = await withField(t, settingsOf(backing));

async function revoke(t: Test, ...args: string[]): Promise<void> {
  const ended = await field(['token', 'revoke', ...args]);
  t.equal(ended.code, 0, ended.stderr);
}

async function codeOf(api: TestApi, token: string): Promise<string> {
  const { status, body } = await api.request('/api/fields/global', { token });
  return status === 200 ? 'accepted' : `${status} ${body.code}`;
}

/** Waits until every process refuses the token. */
async function waitUntilRefused(token: string): Promise<void> {
  for (const api of apis) {
    await waitUntil('the token is refused', async () => (await codeOf(api, token)) === '401 token_revoked');
  }
}

async function openEvents(api: TestApi, token: string): Promise<{ text: () => string; ended: Promise<void> }> {
  const response = await fetch(`${api.address}/api/fields/global/events`, {
    headers: { authorization: `Bearer ${token}` },
  });
  let text = '';
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
  };
  return { text: () => text, ended: read() };
}

t.test('a revoked token is refused and its streams are closed, on every process', async (t) => {
  const token = await first.createToken({ device: 'phone-1' });
  const other = await first.createToken({ device: 'phone-1' });
  const sockets = await Promise.all(apis.map((api) => openStream(t, api, { token, field: 'global' })));
  const events = await openEvents(second, token);
  const bystander = await openStream(t, second, { token: other, field: 'global' });
  await revoke(t, '--token', token, '--reason', 'lost on a train');
  for (const socket of sockets) {
    const error = await socket.find('error');
    t.equal(error.problem.code, 'token_revoked');
    await waitUntil('the socket is closed', () => socket.closed);
    t.equal(socket.closed?.code, 4403);
  }
  await events.ended;
  t.match(events.text(), /event: error\ndata: .*"code":"token_revoked"/);
  await waitUntilRefused(token);
  const sent = await first.request('/api/fields/global/updates', { token, body: { updates: [setCell(1, 1, 0.5)] } });
  t.match(sent, { status: 401, body: { code: 'token_revoked' } });
  t.match(await refusedUpgrade(streamUrl(first, 'global'), ['field.v2'], { authorization: `Bearer ${token}` }), {
    status: 401,
    body: { code: 'token_revoked' },
  });
  const browser = await openStream(t, first, { token, field: 'global', byProtocol: true });
  await waitUntil('a browser gets a close code', () => browser.closed);
  t.equal(browser.closed?.code, 4403);
  t.equal(await codeOf(first, other), 'accepted', 'another token of the same device');
  t.equal(bystander.closed, undefined);
  t.match((await field(['token', 'list'])).stdout, /token +\S+ +\S+ +lost on a train/);
});

t.test('revoking a device refuses the tokens that were issued before, and no later ones', async (t) => {
  const before = await first.createToken({ device: 'lost' });
  const otherDevice = await first.createToken({ device: 'kept' });
  const socket = await openStream(t, first, { token: before, field: 'global' });
  await revoke(t, '--device', 'lost');
  await waitUntil('the socket is closed', () => socket.closed);
  await waitUntilRefused(before);
  t.equal(await codeOf(first, reissue(before, { iat: undefined })), '401 token_revoked', 'without a time of issue');
  t.equal(
    await codeOf(first, reissue(before, { iat: Date.now() / 1000 + 2 })),
    'accepted',
    'issued after the revocation',
  );
  t.equal(await codeOf(first, otherDevice), 'accepted');
});

t.test('a user can be revoked and restored', async (t) => {
  const token = reissue(await first.createToken({ device: 'tablet' }), { sub: 'mallory' });
  const socket = await openStream(t, second, { token, field: 'global' });
  await revoke(t, '--user', 'mallory');
  await waitUntil('the socket is closed', () => socket.closed);
  await waitUntilRefused(token);
  t.equal((await field(['token', 'restore', '--user', 'mallory'])).code, 0);
  t.equal((await field(['token', 'restore', '--user', 'mallory'])).code, 1, 'there is nothing to restore');
  for (const api of apis) {
    await waitUntil('the token is accepted again', async () => (await codeOf(api, token)) === 'accepted');
  }
});

t.test('a socket cannot be renewed with a revoked token', async (t) => {
  const socket = await openStream(t, first, { token: await first.createToken({ device: 'tv' }), field: 'global' });
  const next = await first.createToken({ device: 'tv' });
  await revoke(t, '--id', decodeJwt(next).jti ?? '');
  await waitUntilRefused(next);
  socket.send({ type: 'token', token: next });
  await waitUntil('the socket is closed', () => socket.closed);
  t.equal(socket.closed?.code, 4403);
});

t.test('a process that is cut off from Redis polls revocations', async (t) => {
  const token = await first.createToken({ device: 'remote' });
  const socket = await openStream(t, second, { token, field: 'global' });
  cacheGate.cut();
  t.teardown(() => cacheGate.open());
  await revoke(t, '--token', token);
  await waitUntil('the socket is closed', () => socket.closed);
  t.equal(socket.closed?.code, 4403);
});

t.test('the command works without Redis, and a new process knows earlier revocations', async (t) => {
  const token = await first.createToken({ device: 'old' });
  const ended = await field(['token', 'revoke', '--token', token], { env: { CACHE_REDIS_URL: 'redis://127.0.0.1:1' } });
  t.equal(ended.code, 0);
  t.match(ended.stderr, /within a second/);
  const later = await withApi(t, backing);
  t.equal(await codeOf(later, token), '401 token_revoked');
});

t.test('the command names missing and invalid options', async (t) => {
  t.match(await field(['token', 'revoke']), { code: 2, stderr: /--device or --user/ });
  t.match(await field(['token', 'revoke', '--token', 'nonsense']), { code: 2, stderr: /not a token/ });
});

/** The same token with other claims and a new signature. */
function reissue(token: string, claims: Record<string, unknown>): string {
  const header = token.split('.')[0];
  const body = Buffer.from(JSON.stringify({ ...decodeJwt(token), ...claims })).toString('base64url');
  const signature = createHmac('sha256', backing.config.JWT_SECRET ?? '').update(`${header}.${body}`);
  return `${header}.${body}.${signature.digest('base64url')}`;
}

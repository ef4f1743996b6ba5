/** No secret appears in the output of the real processes at log level trace: planted secrets are searched for in every line. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import t from 'tap';
import { WebSocket } from 'ws';
import { startProcess } from '../../dev/processes/child-process.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import { streamProtocol } from '../../shared/contract/wire.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { withTcpGate } from '../api/support/tcp-gate.ts';
import { buildComponentProcess, type Component } from '../support/processes/component-process.ts';
import { withDatabase, withOneRedis, withRedis } from '../support/servers/servers.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

const secrets = {
  jwt: 'planted-jwt-secret-of-more-than-32-bytes',
  database: 'planted-database-password',
  redis: 'planted-redis-password',
  admin: 'planted-admin-password',
  inQuery: 'planted-token-in-a-query',
  inBody: 'planted-token-in-a-body',
  inHeader: 'planted-token-in-a-header',
  inProtocol: 'planted-token-in-a-subprotocol',
  inCookie: 'planted-session-in-a-cookie',
};
const longTimeout = { timeoutMs: 60_000, intervalMs: 100 };

t.test('no secret is printed, for any request and during any outage', withOneRedis, async (t) => {
  const redis = await withRedis(t);
  await addRedisPassword(redis.url);
  const database = new URL((await withDatabase(t)).directUrl);
  await createDatabaseRole(database);
  const gates = {
    database: await withTcpGate(t, { host: '127.0.0.1', port: Number(database.port) }),
    redis: await withTcpGate(t, { host: '127.0.0.1', port: redis.port }),
  };
  database.port = String(gates.database.port);
  const redisUrl = (index: number) => `redis://:${secrets.redis}@127.0.0.1:${gates.redis.port}/${index}`;
  const port = await findFreePort();
  const output = join(await withFolder(t), 'output');
  const log = openSync(output, 'a');
  t.teardown(() => closeSync(log));
  const env = {
    ...process.env,
    NODE_ENV: 'development',
    LOG_LEVEL: 'trace',
    PORT: String(port),
    DATABASE_URL: database.href,
    QUEUE_REDIS_URL: redisUrl(0),
    CACHE_REDIS_URL: redisUrl(1),
    JWT_SECRET: secrets.jwt,
    ADMIN_PASSWORD: secrets.admin,
    BACKUP_EVERY_HOURS: '0',
    ALLOW_WEAK_DURABILITY: 'true',
  };
  const launch = async (component: Component) => {
    const running = await startProcess(buildComponentProcess({ component, env, output: log, graceMs: 25_000 }));
    t.teardown(() => running.stop());
    return running;
  };
  const processes = [await launch('workers'), await launch('api')];
  const address = `http://127.0.0.1:${port}`;
  const health = async () => ((await (await fetch(`${address}/api/health`)).json()) as { status: string }).status;
  await waitUntil('all dependencies are healthy', async () => (await health()) === 'healthy', longTimeout);

  const { token } = await signToken(
    {
      sub: 'ada',
      device: 'phone-1' as DeviceId,
      fields: ['*'],
      scope: ['field:read', 'field:write'],
      expiresInSeconds: 600,
    },
    { secret: secrets.jwt, issuer: 'consciousness-field', audience: 'consciousness-field' },
  );
  await sendSecrets(address, token);
  for (const gate of Object.values(gates)) {
    gate.cut();
    await waitUntil('the health check reports the outage', async () => (await health()) !== 'healthy', longTimeout);
    await sendSecrets(address, token);
    gate.open();
    await waitUntil('all dependencies are healthy again', async () => (await health()) === 'healthy', longTimeout);
  }
  for (const running of processes.reverse()) await running.stop();

  const printed = readFileSync(output, 'utf8');
  t.match(printed, /"level":(10|20)/, 'debug and trace lines are printed');
  t.match(printed, /ECONNREFUSED|ECONNRESET|Connection terminated|socket/i, 'the outages are logged');
  const planted = { ...secrets, token, signature: token.split('.')[2] ?? '', basic: basicOf(secrets.admin) };
  for (const [what, secret] of Object.entries(planted)) {
    t.notOk(
      printed.split('\n').find((line) => line.includes(secret)),
      `${what} is not printed`,
    );
  }
});

const basicOf = (password: string) => Buffer.from(`operator:${password}`).toString('base64');

/** Adds the planted password to Redis's default user. */
async function addRedisPassword(url: string): Promise<void> {
  const client = new Redis(url);
  await client.acl('SETUSER', 'default', `>${secrets.redis}`);
  client.disconnect();
}

/** Creates a database role with the planted password and puts it into the URL. */
async function createDatabaseRole(database: URL): Promise<void> {
  const role = `planted_${database.pathname.slice(1)}`;
  const client = new pg.Client({ connectionString: database.href });
  await client.connect();
  await client.query(`create role ${role} superuser login password '${secrets.database}'`);
  await client.end();
  database.username = role;
  database.password = secrets.database;
}

/** Sends each secret in every place in which a client may put it. The responses do not matter. */
async function sendSecrets(address: string, token: string): Promise<void> {
  const field = `${address}/api/fields/garden`;
  const json = { 'content-type': 'application/json' };
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` });
  const post = (headers: Record<string, string>, body: unknown) =>
    fetch(`${field}/updates`, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) });
  const responses = [
    post(bearer(token), { updates: [setCell(1, 1, 0.5)] }),
    post(bearer(token), { updates: [{ token: secrets.inBody, password: secrets.inBody }] }),
    post(bearer(token), { updates: [], token: secrets.inBody }),
    post(bearer(token), { [secrets.inBody]: 1 }),
    post(bearer(secrets.inHeader), {}),
    fetch(`${field}?token=${token}&at=${secrets.inQuery}`, { headers: bearer(token) }),
    fetch(`${field}?token=${secrets.inQuery}`, {
      headers: { ...bearer(token), cookie: `session=${secrets.inCookie}` },
    }),
    fetch(`${field}/none?token=${secrets.inQuery}`),
    fetch(`${address}/metrics?token=${secrets.inQuery}`, {
      headers: { authorization: `Basic ${basicOf(secrets.admin)}` },
    }),
    fetch(`${address}/admin/queues`, { headers: { authorization: `Basic ${basicOf(secrets.admin)}` } }),
  ];
  await Promise.all(responses.map((pending) => pending.then((response) => response.text())));
  for (const [query, given] of [
    ['', token],
    ['', secrets.inProtocol],
    [`?token=${secrets.inQuery}`, token],
  ] as const) {
    await exchangeMessages(`${field.replace('http', 'ws')}/stream${query}`, given);
  }
}

/** Sends secrets over a socket, if it opens. The invalid token renewal makes the server close it. */
function exchangeMessages(url: string, token: string): Promise<void> {
  const socket = new WebSocket(url, [streamProtocol, `bearer.${token}`]);
  socket.on('error', () => undefined); // `close` follows.
  socket.on('open', () => {
    socket.send(JSON.stringify({ type: 'update', updates: [{ token: secrets.inBody }] }));
    socket.send(JSON.stringify({ type: 'token', token: secrets.inBody }));
  });
  return new Promise((resolve) => socket.on('close', () => resolve()));
}

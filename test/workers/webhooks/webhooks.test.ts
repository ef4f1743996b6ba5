/** Webhooks: a real receiver gets every change in order, although it, or a worker, is down meanwhile. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { listWebhooks } from '../../../db/webhooks/webhook-row.ts';
import { type Field, settingsOf, withField } from '../../cli/run-field.ts';
import { withProcess } from '../../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';

const key = 'a key for the webhooks of tests, of more than 32 bytes';
const allowed = { WEBHOOK_KEY: key, WEBHOOK_ALLOW_HTTP: 'true', WEBHOOK_ALLOW_PRIVATE: 'true' };
const garden = asField('garden');
const ada = asDevice('ada');

interface Delivery {
  readonly id: string;
  readonly isSigned: boolean;
  readonly changes: { readonly field: string; readonly entry: { readonly version: number } }[];
}

type Behaviour = (attempt: number) => number | 'hang' | 'upgrade' | 'cut';

/** Verifies signatures with the receiver's secret, and keeps what it has answered with 200. */
async function withReceiver(t: Test, port = 0) {
  const receiver = {
    secret: '',
    behave: (() => 200) as Behaviour,
    taken: [] as Delivery[],
    attempts: 0,
    ids: [] as string[],
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const [id, timestamp] = [String(request.headers['webhook-id']), String(request.headers['webhook-timestamp'])];
    const digest = createHmac('sha256', Buffer.from(receiver.secret.slice(6), 'base64'));
    const isSigned =
      request.headers['webhook-signature'] === `v1,${digest.update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    receiver.attempts += 1;
    receiver.ids.push(id);
    const answer = receiver.behave(receiver.attempts);
    if (answer === 'hang') return;
    if (answer === 'cut') return request.socket.destroy();
    if (answer === 'upgrade')
      return request.socket.end('HTTP/1.1 101 Other\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    if (answer === 200) receiver.taken.push({ id, isSigned, changes: JSON.parse(body).data.changes });
    response.writeHead(answer, { location: 'http://127.0.0.1:1/' }).end();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  t.teardown(close);
  const { port: actual } = server.address() as AddressInfo;
  return Object.assign(receiver, { port: actual, url: `http://127.0.0.1:${actual}/hook`, close });
}

type Receiver = Awaited<ReturnType<typeof withReceiver>>;

async function add(field: Field, receiver: Receiver, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await field(['webhooks', 'add', receiver.url, '--json', ...args]);
  if (code !== 0) throw new Error(stderr);
  const { id, secret } = JSON.parse(stdout);
  receiver.secret = secret;
  return id;
}

const versionsOf = ({ taken }: Receiver) => taken.flatMap(({ changes }) => changes.map(({ entry }) => entry.version));

async function write({ producer }: Backing, counters: readonly number[], field = garden): Promise<void> {
  for (const counter of counters)
    await producer.enqueue(jobOf(field, ada, [setCell(counter, counter % 30, counter / 100)]));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

t.test('a receiver gets every change, signed and in order, although it and a worker are down', async (t) => {
  const backing = await withBacking(t, allowed);
  const field = await withField(t, { ...settingsOf(backing), ...allowed });
  const [receiver, dead] = [await withReceiver(t), await withReceiver(t)];
  dead.behave = () => 'hang';
  await add(field, receiver, '--from-start');
  await add(field, dead, '--from-start');
  // At first it takes nothing: neither is a redirect followed, nor an upgrade waited for.
  const behaviours = [500, 302, 'upgrade', 'cut'] as const;
  receiver.behave = (attempt) => behaviours[attempt - 1] ?? 200;
  const worker = await withProcess(t, 'workers', backing);
  await write(backing, upTo(5));
  const arrive = async () => {
    await backing.db('webhooks').update({ retry_at: null });
    return versionsOf(receiver).length >= 5;
  };
  await waitUntil('the first changes arrive', arrive, { timeoutMs: 30_000, intervalMs: 100 });
  t.equal(receiver.ids[0], receiver.ids[1], 'a message is repeated under its id');
  t.equal(receiver.ids[1], receiver.ids[2]);

  // The worker is killed while it waits for an answer.
  receiver.behave = () => 'hang';
  const { attempts } = receiver;
  await write(backing, [6, 7]);
  await waitUntil('a message is under way', () => receiver.attempts > attempts);
  await worker.forceStop();
  await receiver.close();
  await withWorker(t, backing);
  await write(backing, [8, 9, 10]);
  await waitForVersion(backing, garden, 10);
  const again = await withReceiver(t, receiver.port);
  again.secret = receiver.secret;
  await waitUntil('everything arrives', () => versionsOf(again).includes(10), { timeoutMs: 60_000 });
  const all = [...versionsOf(receiver), ...versionsOf(again)];
  t.same([...new Set(all)], upTo(10), 'complete and in order');
  t.ok([...receiver.taken, ...again.taken].every(({ isSigned }) => isSigned));
});

t.test('pause, resume, filters, dead letters and replay', async (t) => {
  const backing = await withBacking(t, allowed);
  const field = await withField(t, { ...settingsOf(backing), ...allowed });
  const [receiver, regional] = [await withReceiver(t), await withReceiver(t)];
  const id = await add(field, receiver, '--fields', 'gard*');
  await add(field, regional, '--region', '3,0,5,1', '--kind', 'cells.set', 'particle.put');
  await withWorker(t, backing);
  const run = async (...args: string[]) => t.match(await field(['webhooks', ...args]), { code: 0, stderr: '' });
  await run('pause', id);
  await write(backing, [1, 2, 3]);
  await write(backing, [1], asField('pond'));
  await backing.producer.enqueue(jobOf(garden, ada, [putParticle(4, 'star', { position: { x: 9, y: 0, z: 0 } })]));
  await waitForVersion(backing, garden, 4);
  await waitUntil('the other receiver has what is in its region', () => versionsOf(regional).length > 0);
  t.same(versionsOf(regional), [3]);
  t.equal(receiver.attempts, 0);
  await run('resume', id);
  await waitUntil('the changes arrive', () => versionsOf(receiver).length === 4);
  t.same(versionsOf(receiver), [1, 2, 3, 4]);

  // Only refusals of the content count, however often it fails otherwise.
  receiver.behave = (attempt) => (attempt % 2 === 0 ? 422 : 503);
  await write(backing, [5]);
  const refuse = async () => {
    await backing.db('webhooks').where({ id }).update({ retry_at: null });
    return (await listWebhooks(backing.db)).some(({ deadLetters }) => deadLetters === 1);
  };
  await waitUntil('the refused message is a dead letter', refuse, { timeoutMs: 60_000, intervalMs: 100 });
  receiver.behave = () => 200;
  await write(backing, [6]);
  await waitUntil('the next change arrives', () => versionsOf(receiver).includes(6));
  t.same(versionsOf(receiver), [1, 2, 3, 4, 6]);
  await run('replay', id, '--dead-letters');
  await waitUntil('it is sent again', () => versionsOf(receiver).length === 7);
  t.same(versionsOf(receiver), [1, 2, 3, 4, 6, 5, 6]);
  t.match(await field(['webhooks', 'replay', id, '--dead-letters']), { code: 1, stderr: /no dead letters/ });
  await run('remove', id);
  t.match(await field(['webhooks', 'pause', id]), { code: 1, stderr: /There is no webhook/ });
  const { stdout } = await field(['webhooks', 'list', '--json']);
  t.equal(JSON.parse(stdout).webhooks.length, 1);
  const actions = await backing.db('operator_actions').where('action', 'like', 'webhooks.%').pluck('action');
  t.same(
    new Set(actions),
    new Set(['webhooks.add', 'webhooks.pause', 'webhooks.resume', 'webhooks.replay', 'webhooks.remove']),
  );
  t.notMatch(JSON.stringify(await backing.db('webhooks')), /whsec_/);
});

t.test('addresses that are not public are refused, when they are added and when a name leads to one', async (t) => {
  const backing = await withBacking(t, { WEBHOOK_KEY: key, WEBHOOK_ALLOW_HTTP: 'true' });
  const field = await withField(t, { ...settingsOf(backing), WEBHOOK_KEY: key });
  const refuse = async (url: string, reason: RegExp) =>
    t.match(await field(['webhooks', 'add', url]), { code: 2, stderr: reason }, url);
  await refuse('http://example.org/', /https/);
  for (const host of [
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '[::1]',
    '[::ffff:10.0.0.1]',
    '[fd00::1]',
    '2130706433',
  ]) {
    await refuse(`https://${host}/`, /not a public address/);
  }
  await refuse('https://ada:secret@example.org/', /password/);

  const receiver = await withReceiver(t);
  const lenient = await withField(t, { ...settingsOf(backing), ...allowed });
  const target = { ...receiver, url: receiver.url.replace('127.0.0.1', 'localhost') } as Receiver;
  await add(lenient, target);
  await withWorker(t, backing);
  await write(backing, [1]);
  const failed = await waitUntil('the delivery is refused', async () =>
    (await listWebhooks(backing.db)).find(({ lastError }) => lastError),
  );
  t.match(failed.lastError, /localhost leads to .*not a public address/);
  t.equal(receiver.attempts, 0);
});

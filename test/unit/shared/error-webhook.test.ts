import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import t, { type Test } from 'tap';
import { ErrorWebhook } from '../../../shared/observability/error-webhook.ts';
import { redactSecrets } from '../../../shared/observability/redact-secrets.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { waitUntil } from '../../support/wait-until.ts';

interface WebhookPayload {
  readonly service: string;
  readonly text: string;
  readonly errors: readonly { message: string; error?: string; count: number; level: string }[];
  readonly uncounted: number;
}

/** A receiver that answers with the status that it is set to; 0: not at all. */
async function withReceiver(t: Test) {
  const receiver = { url: '', status: 200, asked: 0, told: [] as WebhookPayload[] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      receiver.asked += 1;
      if (receiver.status === 200) receiver.told.push(JSON.parse(Buffer.concat(chunks).toString()));
      if (receiver.status !== 0) response.writeHead(receiver.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=1`;
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return receiver;
}

function logInto(webhook: ErrorWebhook) {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return createLogger({ name: 'test', level: 'info', onError: (line) => webhook.record(line) }, nowhere);
}

t.test('errors that are alike are told together, and others are not told at all', async (t) => {
  const receiver = await withReceiver(t);
  const webhook = new ErrorWebhook({ url: receiver.url, service: 'field-test', minIntervalMs: 50 });
  t.teardown(() => webhook.close());
  const log = logInto(webhook);
  for (let i = 0; i < 3; i++) log.error({ err: new Error(`request ${i} broke`), device: 'phone-1' }, 'request failed');
  log.fatal('the end');
  log.warn({ err: new Error('it passes') }, 'nothing much');
  log.info('"level":50 in words');
  await waitUntil('it is told', () => receiver.told.length > 0);
  const [told] = receiver.told;
  t.match(told, {
    service: 'field-test',
    uncounted: 0,
    errors: [
      { message: 'request failed', error: 'Error: request 0 broke', count: 3, level: 'error' },
      { message: 'the end', count: 1, level: 'fatal' },
    ],
  });
  t.equal(told?.errors.length, 2);
  t.match(told?.text, '3 × request failed');
  t.notMatch(JSON.stringify(told), 'phone-1', 'no data of anybody');
});

t.test('what it says holds no secrets', async (t) => {
  const receiver = await withReceiver(t);
  const webhook = new ErrorWebhook({ url: receiver.url, service: 'field-test', minIntervalMs: 50 });
  const secret = 'hunter2hunter2';
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.${secret}`;
  const messages = [
    `connect postgres://field:${secret}@db/field failed`,
    `refused ${jwt}`,
    `authorization: Bearer ${secret}`,
    `bad {"password":"${secret}"}`,
    `JWT_SECRET=${secret} is weak`,
  ];
  const log = logInto(webhook);
  for (const [index, message] of messages.entries()) {
    log.error({ err: new Error(message), token: secret, password: secret }, `failure ${index}`);
  }
  await webhook.close();
  t.equal(receiver.told[0]?.errors.length, messages.length);
  t.notMatch(JSON.stringify(receiver.told), secret);
  t.equal(redactSecrets('redis://127.0.0.1:6379 is away'), 'redis://127.0.0.1:6379 is away', 'the rest stays');
});

t.test('a webhook that fails is tried again later, and what it missed is told then', async (t) => {
  const receiver = await withReceiver(t);
  receiver.status = 500;
  const webhook = new ErrorWebhook({ url: receiver.url, service: 'field-test', minIntervalMs: 20 });
  t.teardown(() => webhook.close());
  const log = logInto(webhook);
  log.error('first');
  await waitUntil('it has failed', () => receiver.asked > 0);
  log.error('first');
  log.error('second');
  receiver.status = 200;
  await waitUntil('it is told', () => receiver.told.flatMap(({ errors }) => errors).length === 2);
  const told = receiver.told.flatMap(({ errors }) => errors);
  t.match(told, [
    { message: 'first', count: 2 },
    { message: 'second', count: 1 },
  ]);
});

t.test('a flood is counted, not kept, and waits for nothing', async (t) => {
  const receiver = await withReceiver(t);
  receiver.status = 0; // It takes the request and never answers.
  const webhook = new ErrorWebhook({ url: receiver.url, service: 'field-test', minIntervalMs: 50 });
  const log = logInto(webhook);
  log.error('the first of many');
  await waitUntil('it hangs', () => receiver.asked === 1);
  for (let i = 0; i < 1000; i++) log.error(`kind ${i} ${'x'.repeat(5000)}`);
  receiver.status = 200;
  await webhook.close();
  const [told] = receiver.told;
  t.equal(told?.errors.length, 50);
  t.equal(told?.uncounted, 950);
  t.ok(JSON.stringify(told).length < 150_000);
});

t.test('an address that is no webhook harms nobody', async (t) => {
  const webhook = new ErrorWebhook({ url: 'http://127.0.0.1:1/', service: 'field-test', minIntervalMs: 10 });
  const log = logInto(webhook);
  t.doesNotThrow(() => log.error({ err: new Error('broken') }, 'request failed'));
  t.doesNotThrow(() => webhook.record('not a line of the log'));
  await t.resolves(webhook.close());
});

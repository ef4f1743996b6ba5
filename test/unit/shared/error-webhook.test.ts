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

/** Starts an HTTP server that responds with `status`, or never responds while `status` is 0. */
async function withReceiver(t: Test) {
  const receiver = { url: '', status: 200, requestCount: 0, payloads: [] as WebhookPayload[] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      receiver.requestCount += 1;
      if (receiver.status === 200) receiver.payloads.push(JSON.parse(Buffer.concat(chunks).toString()));
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

t.test(
  'errors with the same message are reported together, and lines below the error level are not reported',
  async (t) => {
    const receiver = await withReceiver(t);
    const webhook = new ErrorWebhook({ url: receiver.url, service: 'field-test', minIntervalMs: 50 });
    t.teardown(() => webhook.close());
    const log = logInto(webhook);
    for (let i = 0; i < 3; i++)
      log.error({ err: new Error(`request ${i} broke`), device: 'phone-1' }, 'request failed');
    log.fatal('process ended');
    log.warn({ err: new Error('temporary') }, 'request retried');
    log.info('a message that contains "level":50');
    await waitUntil('a report has arrived', () => receiver.payloads.length > 0);
    const [payload] = receiver.payloads;
    t.match(payload, {
      service: 'field-test',
      uncounted: 0,
      errors: [
        { message: 'request failed', error: 'Error: request 0 broke', count: 3, level: 'error' },
        { message: 'process ended', count: 1, level: 'fatal' },
      ],
    });
    t.equal(payload?.errors.length, 2);
    t.match(payload?.text, '3 × request failed');
    t.notMatch(JSON.stringify(payload), 'phone-1', 'the report contains no other fields of the line');
  },
);

t.test('a report contains no secrets', async (t) => {
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
  t.equal(receiver.payloads[0]?.errors.length, messages.length);
  t.notMatch(JSON.stringify(receiver.payloads), secret);
  t.equal(
    redactSecrets('redis://127.0.0.1:6379 is unavailable'),
    'redis://127.0.0.1:6379 is unavailable',
    'text without a secret is unchanged',
  );
});

t.test('a failed request is retried with the errors that were logged meanwhile', async (t) => {
  const receiver = await withReceiver(t);
  receiver.status = 500;
  const webhook = new ErrorWebhook({ url: receiver.url, service: 'field-test', minIntervalMs: 20 });
  t.teardown(() => webhook.close());
  const log = logInto(webhook);
  log.error('first');
  await waitUntil('the first request has failed', () => receiver.requestCount > 0);
  log.error('first');
  log.error('second');
  receiver.status = 200;
  await waitUntil('both errors are reported', () => receiver.payloads.flatMap(({ errors }) => errors).length === 2);
  const errors = receiver.payloads.flatMap((payload) => payload.errors);
  t.match(errors, [
    { message: 'first', count: 2 },
    { message: 'second', count: 1 },
  ]);
});

t.test('a flood of errors is counted instead of stored, and logging does not wait for the webhook', async (t) => {
  const receiver = await withReceiver(t);
  receiver.status = 0;
  const webhook = new ErrorWebhook({ url: receiver.url, service: 'field-test', minIntervalMs: 50 });
  const log = logInto(webhook);
  log.error('first of many');
  await waitUntil('a request is pending', () => receiver.requestCount === 1);
  for (let i = 0; i < 1000; i++) log.error(`kind ${i} ${'x'.repeat(5000)}`);
  receiver.status = 200;
  await webhook.close();
  const [payload] = receiver.payloads;
  t.equal(payload?.errors.length, 50);
  t.equal(payload?.uncounted, 950);
  t.ok(JSON.stringify(payload).length < 150_000);
});

t.test('an unreachable webhook affects neither logging nor closing', async (t) => {
  const webhook = new ErrorWebhook({ url: 'http://127.0.0.1:1/', service: 'field-test', minIntervalMs: 10 });
  const log = logInto(webhook);
  t.doesNotThrow(() => log.error({ err: new Error('broken') }, 'request failed'));
  t.doesNotThrow(() => webhook.record('not a JSON line'));
  await t.resolves(webhook.close());
});

/**
 * A receiver of webhooks as a process, for tests that kill it: it stores every message with an fsync before it responds. It does what
 * `behaviour.json` in its folder says, which is read for each message.
 */
import { createHmac } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Behaviour, ReceivedMessage } from './with-receiver-process.ts';

const [, , folder = '', port = '0', protocol = 'http'] = process.argv;

function store(message: ReceivedMessage): void {
  const file = openSync(join(folder, 'received.ndjson'), 'a');
  writeSync(file, `${JSON.stringify(message)}\n`);
  fsyncSync(file);
  closeSync(file);
}

function isSigned(headers: NodeJS.Dict<string | string[]>, body: string): boolean {
  const secret = readFileSync(join(folder, 'secret'), 'utf8');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const digest = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(signed);
  return headers['webhook-signature'] === `v1,${digest.digest('base64')}`;
}

const listener: RequestListener = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const at = Date.now();
  const behaviour = JSON.parse(readFileSync(join(folder, 'behaviour.json'), 'utf8')) as Behaviour;
  const { status, headers = {}, delayMs = 0 } = behaviour;
  const changes: { field: string; entry: { version: number } }[] = JSON.parse(body).data.changes;
  const entries = changes.map(({ field, entry }) => ({ field, version: entry.version }));
  store({ id: String(request.headers['webhook-id']), at, status, isSigned: isSigned(request.headers, body), entries });
  if (status === 'none') return;
  await delay(delayMs);
  response.writeHead(status, headers).end();
};

const server =
  protocol === 'https'
    ? createSecureServer(
        { key: readFileSync(join(folder, 'server.key')), cert: readFileSync(join(folder, 'server.pem')) },
        listener,
      )
    : createServer(listener);
server.listen(Number(port), '127.0.0.1');

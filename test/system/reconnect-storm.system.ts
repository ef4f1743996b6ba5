/** Hundreds of subscribers reconnect at the same time to a restarted API with a cold cache, with few queries to PostgreSQL. */
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import type { ServerMessage } from '../../shared/contract/messages.ts';
import { streamProtocol } from '../../shared/contract/wire.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { countStatements } from '../support/measure/count-statements.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const subscribers = 500;
const particles = 200;
const field = asField('stormy');
const device = asDevice('phone-1');
const longTimeout = { timeoutMs: 60_000 };

/** A subscriber that reconnects from its cursor after 200 ms. */
class Subscriber {
  cursor: Cursor | undefined;

  get version(): number | undefined {
    return this.cursor && versionOf(this.cursor);
  }

  #socket: WebSocket | undefined;
  #isClosed = false;

  constructor(
    readonly url: string,
    readonly token: string,
  ) {
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.terminate();
  }

  #connect(): void {
    if (this.#isClosed) return;
    const url = this.cursor === undefined ? this.url : `${this.url}?after=${this.cursor}`;
    const socket = new WebSocket(url, [streamProtocol, `bearer.${this.token}`]);
    this.#socket = socket;
    socket.on('error', () => undefined); // `close` follows.
    socket.on('close', () => setTimeout(() => this.#connect(), 200).unref());
    socket.on('message', (data) => this.#receive(JSON.parse(data.toString()) as ServerMessage));
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'snapshot') this.cursor = message.cursor;
    if (message.type !== 'delta') return;
    if (message.from !== this.cursor) throw new Error(`delta from ${message.from} received at ${this.cursor}`);
    this.cursor = message.to;
  }
}

async function withSubscribers(t: Test, { config }: Backing, address: string, watched: FieldId): Promise<Subscriber[]> {
  const key = { secret: config.JWT_SECRET ?? '', issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE };
  const claims = { sub: 'reader', fields: ['*'], scope: ['field:read'] as const, expiresInSeconds: 600 };
  const { token } = await signToken(claims, key);
  const url = `${address.replace('http', 'ws')}/api/fields/${watched}/stream`;
  const all = Array.from({ length: subscribers }, () => new Subscriber(url, token));
  t.teardown(() => {
    for (const subscriber of all) subscriber.close();
  });
  return all;
}

t.test('hundreds of subscribers reconnect at the same time after the API was killed', async (t) => {
  const backing = await withBacking(t);
  const { producer, cacheRedis, db } = backing;
  await withWorker(t, backing);
  const port = String(await findFreePort());
  const address = `http://127.0.0.1:${port}`;
  const startApi = () => withProcess(t, 'api', backing, { PORT: port, HOST: '127.0.0.1' });
  const api = await startApi();
  const first = Array.from({ length: particles }, (_, at) =>
    putParticle(at + 1, `p-${at}`, { content: 'memory '.repeat(20) }),
  );
  await producer.enqueue(jobOf(field, device, first));
  await waitForVersion(backing, field, particles);
  const all = await withSubscribers(t, backing, address, field);
  const areAll = (version: number) => all.every((subscriber) => subscriber.isOpen && subscriber.version === version);
  await waitUntil('all subscribers are live', () => areAll(particles), longTimeout);

  api.sendSignal('SIGKILL');
  await api.exited;
  await waitUntil('all subscribers are disconnected', () => all.every((subscriber) => !subscriber.isOpen), longTimeout);
  await producer.enqueue(jobOf(field, device, [putParticle(particles + 1, 'meanwhile')]));
  await waitForVersion(backing, field, particles + 1);
  await cacheRedis.flushall();

  const countReads = await countStatements(db, '%from "consciousness_states"%');
  const countLogReads = await countStatements(db, '%from "field_updates"%');
  const startedAt = performance.now();
  await startApi();
  await waitUntil('all subscribers are live again', () => areAll(particles + 1), longTimeout);
  t.comment(`all ${subscribers} are live ${Math.round(performance.now() - startedAt)} ms after the start of the API`);
  const [reads, logReads] = [await countReads(), await countLogReads()];
  t.comment(`${reads} queries for the state and ${logReads} for the log`);
  t.ok(reads + logReads < 50, 'the number of queries does not grow with the number of subscribers');

  await producer.enqueue(jobOf(field, device, [putParticle(particles + 2, 'afterwards')]));
  await waitUntil('all subscribers receive the next update', () => areAll(particles + 2), longTimeout);
});

/** A thousand readers lose their API at once and all come back at once, to a cold cache: PostgreSQL hardly notices. */
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import type { ServerMessage } from '../../shared/contract/stream.ts';
import { streamProtocol } from '../../shared/contract/wire.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { countStatements } from '../support/measure/count-statements.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const readers = 1000;
const particles = 200;
const field = asField('stormy');
const device = asDevice('phone-1');
const longTimeout = { timeoutMs: 60_000 };

/** Reconnects as soon as it can, always from the version that it has. */
class Reader {
  version: number | undefined;
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
    const url = this.version === undefined ? this.url : `${this.url}?after=${this.version}`;
    const socket = new WebSocket(url, [streamProtocol, `bearer.${this.token}`]);
    this.#socket = socket;
    socket.on('error', () => undefined); // `close` follows.
    socket.on('close', () => setTimeout(() => this.#connect(), 200).unref());
    socket.on('message', (data) => this.#take(JSON.parse(data.toString()) as ServerMessage));
  }

  #take(message: ServerMessage): void {
    if (message.type === 'snapshot') this.version = message.version;
    if (message.type !== 'delta') return;
    if (message.from !== this.version) throw new Error(`a delta from ${message.from} came at ${this.version}`);
    this.version = message.to;
  }
}

async function withReaders(t: Test, { config }: Backing, address: string, watched: FieldId): Promise<Reader[]> {
  const key = { secret: config.JWT_SECRET ?? '', issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE };
  const claims = { sub: 'reader', fields: ['*'], scope: ['field:read'] as const, expiresInSeconds: 600 };
  const { token } = await signToken(claims, key);
  const url = `${address.replace('http', 'ws')}/api/fields/${watched}/stream`;
  const all = Array.from({ length: readers }, () => new Reader(url, token));
  t.teardown(() => {
    for (const reader of all) reader.close();
  });
  return all;
}

t.test('a thousand readers come back at once after the API was killed', { timeout: 180_000 }, async (t) => {
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
  const all = await withReaders(t, backing, address, field);
  const areAll = (version: number) => all.every((reader) => reader.isOpen && reader.version === version);
  await waitUntil('all readers are there', () => areAll(particles), longTimeout);

  api.sendSignal('SIGKILL');
  await api.exited;
  await waitUntil('all have lost it', () => all.every((reader) => !reader.isOpen), longTimeout);
  await producer.enqueue(jobOf(field, device, [putParticle(particles + 1, 'meanwhile')]));
  await waitForVersion(backing, field, particles + 1);
  await cacheRedis.flushall();

  const countReads = await countStatements(db, '%from "consciousness_states"%');
  const countLogReads = await countStatements(db, '%from "field_updates"%');
  const startedAt = performance.now();
  await startApi();
  await waitUntil('all are back', () => areAll(particles + 1), longTimeout);
  t.comment(`all ${readers} are live ${Math.round(performance.now() - startedAt)} ms after the start of the API`);
  const [reads, logReads] = [await countReads(), await countLogReads()];
  t.comment(`PostgreSQL was asked for the state ${reads} times, and for the log ${logReads} times`);
  t.ok(reads + logReads < 50, 'PostgreSQL is asked a few times, not a thousand');

  await producer.enqueue(jobOf(field, device, [putParticle(particles + 2, 'afterwards')]));
  await waitUntil('all see what comes next', () => areAll(particles + 2), longTimeout);
});

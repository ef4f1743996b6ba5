/** This system, written to over WebSockets, by devices that also watch, or by POST. */
import { inflateSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { watchField } from '../../../cli/load/watcher.ts';
import { bearerProtocolPrefix, deflateProtocol, streamProtocol } from '../../../shared/contract/wire.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { HttpConnection } from '../../load/http-connection.ts';
import { encodeTextFrame, openRawSocket } from '../../load/raw-websocket.ts';
import { createToken, createUpdates, createWriters, encodePost, type Writer } from '../../load/writers.ts';
import type { BenchStack } from '../../stack/bench-stack.ts';
import { AckQueue } from './ack-queue.ts';
import { createSignal } from './signal.ts';
import { type EntryUpdate, entryId, entryValue, type Join, type Session, type System } from './system.ts';

/** Its name in the tables. */
export type Transport = 'WebSocket' | 'POST';

interface Sender {
  send(updates: readonly Update[]): Promise<void>;
  close(): void;
}

/** Snapshots are written at most once a second. */
const settleMs = 1200;
const recoveryTimeoutMs = 15_000;

export function createFieldSystem(stack: BenchStack, field: FieldId, transport: Transport): System {
  /** The devices of all sessions, whose updates are looked up in the log. */
  const devices: DeviceId[] = [];
  const openSender = transport === 'POST' ? openPoster : openSocket;
  return {
    name: `this system, ${transport}`,
    acknowledged: 'on disk in the queue’s Redis (fsync)',
    settleMs,
    isWatchedBySenders: transport === 'WebSocket',
    async connect(count, onSeen): Promise<Session> {
      const [url = ''] = stack.addresses;
      const writers = await createWriters(count);
      devices.push(...writers.map(({ device }) => device));
      const numbers = new Map<string, number>();
      const token = await createToken('watcher' as DeviceId);
      const onUpdates = (updates: readonly { readonly device: string; readonly counter: number }[]) => {
        for (const { device, counter } of updates) {
          const number = numbers.get(`${device} ${counter}`);
          if (number !== undefined) onSeen(number);
        }
      };
      const stopWatching = await watchField({ url, field, token, onUpdates });
      const senders = await Promise.all(writers.map((writer) => openSender(url, field, writer)));
      return {
        send(index, update) {
          const [writer, sender] = [writers[index], senders[index]];
          if (!writer || !sender) throw new RangeError(`there is no device ${index}`);
          const updates = createUpdates(writer, field, 1, (counter) => toUpdate(update, counter));
          numbers.set(`${writer.device} ${updates[0]?.counter}`, update.number);
          return sender.send(updates);
        },
        close() {
          stopWatching();
          for (const sender of senders) sender.close();
        },
      };
    },
    readCpuMs: () => [...stack.usage.readCpuMs().values()].reduce((sum, ms) => sum + ms, 0),
    async join() {
      const [url = ''] = stack.addresses;
      const token = await createToken('joining' as DeviceId);
      return transport === 'POST' ? joinByGet(url, field, token) : joinByStream(url, field, token);
    },
    crash: () => stack.crash(),
    async countPresent(updates) {
      const numbers = updates.map(({ number }) => number);
      const sql = `SELECT count(*) AS count FROM field_updates
        WHERE field_id = $1 AND device_id = ANY($2) AND (update->'position'->>'x')::int = ANY($3)`;
      const count = async () => {
        const { rows } = await stack.db.query<{ count: string }>(sql, [field, devices, numbers]);
        return Number(rows[0]?.count);
      };
      // Accepted updates are applied after the restart; what is missing after the deadline is lost.
      const hasAll = async () => (await count()) >= updates.length;
      await waitUntil('all are applied', hasAll, { timeoutMs: recoveryTimeoutMs }).catch(() => undefined);
      return count();
    },
  };
}

function toUpdate(update: EntryUpdate, counter: number): Update {
  return {
    counter,
    timestamp: Date.now(),
    seen: 0,
    kind: 'particle.put',
    id: entryId(update.entry),
    ...entryValue(update),
  };
}

async function openSocket(url: string, field: FieldId, { token }: Writer): Promise<Sender> {
  const acks = new AckQueue();
  const snapshot = createSignal();
  const socket = await openRawSocket(streamAddress(url, field), `${streamProtocol}, ${bearerProtocolPrefix}${token}`, {
    onMessage: (_to, start) => {
      snapshot.raise();
      if (start.startsWith('{"type":"accepted"')) acks.acknowledge();
      else if (start.startsWith('{"type":"error"')) acks.rejectAll(new Error(start));
    },
    onClose: () => acks.rejectAll(new Error('the socket was closed')),
  });
  await snapshot.raised;
  return {
    send(updates) {
      const acknowledged = acks.wait();
      socket.write(encodeTextFrame(JSON.stringify({ type: 'update', updates })));
      return acknowledged;
    },
    close: () => socket.destroy(),
  };
}

async function openPoster(url: string, field: FieldId, writer: Writer): Promise<Sender> {
  const connection = await HttpConnection.open(url);
  let last = Promise.resolve();
  return {
    send(updates) {
      const request = encodePost(writer, field, updates);
      last = last.then(async () => {
        const { status, body } = await connection.send(request);
        if (status !== 202) throw new Error(`unexpected status ${status}: ${body.toString('utf8', 0, 300)}`);
      });
      return last;
    },
    close: () => connection.close(),
  };
}

function joinByStream(url: string, field: FieldId, token: string): Promise<Join> {
  const startedAt = performance.now();
  const protocols = [streamProtocol, deflateProtocol, `${bearerProtocolPrefix}${token}`];
  const socket = new WebSocket(streamAddress(url, field), protocols);
  let bytes = 0;
  return new Promise<Join>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer, isBinary) => {
      bytes += data.length;
      const text = isBinary ? inflateSync(data).toString() : data.toString();
      const { type } = JSON.parse(text) as { type: string };
      if (type === 'snapshot') resolve({ ms: performance.now() - startedAt, bytes });
    });
  }).finally(() => socket.terminate());
}

async function joinByGet(url: string, field: FieldId, token: string): Promise<Join> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/api/fields/${field}`, { headers: { authorization: `Bearer ${token}` } });
  await response.json();
  return { ms: performance.now() - startedAt, bytes: Number(response.headers.get('content-length')) };
}

function streamAddress(url: string, field: FieldId): string {
  return `${url.replace(/^http/, 'ws')}/api/fields/${field}/stream`;
}

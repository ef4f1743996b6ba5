/**
 * A process with thousands of devices, each with a WebSocket that watches its field. They ping as the client does, and each can
 * send an update every few seconds; when what they sent is in the log, `report` tells how long it took.
 */
import type { Socket } from 'node:net';
import { bearerProtocolPrefix, streamProtocol } from '../../shared/contract/wire.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { encodeTextFrame, openRawSocket } from '../load/raw-websocket.ts';
import { percentile } from '../measure/statistics.ts';
import { serveRpc } from '../stack/rpc-process.ts';
import { repeatEvenly } from './repeat-evenly.ts';

export interface PhoneOptions {
  /** The stream of its field. */
  readonly url: string;
  readonly token: string;
  /** The particle that it moves. */
  readonly particle: string;
}

/** An update that is in the log: the device of the socket with this index sent it. */
export interface LoggedUpdate {
  readonly phone: number;
  readonly counter: number;
  readonly version: number;
}

interface ReportOptions {
  readonly logged: readonly LoggedUpdate[];
  readonly timeoutMs: number;
}

export interface SendReport {
  readonly accepted: number;
  readonly refused: number;
  /** The first refusal. */
  readonly refusal: string | undefined;
  /** In ms from when the update was due. */
  readonly receipts: readonly [p50: number, p99: number];
  /** At each other device of the field. */
  readonly arrivals: readonly [p50: number, p99: number];
  /** Arrivals of logged updates at other devices that did not happen. */
  readonly missing: number;
}

interface Phone {
  readonly url: string;
  readonly particle: string;
  socket: Socket | undefined;
  /** Times at which its updates were due, by counter - 1. */
  readonly dueAt: number[];
  receipts: number;
  /** The version of its state. */
  version: number;
  /** The versions of its state since it sends, and when they arrived. */
  readonly states: { readonly version: number; readonly at: number }[];
}

const openBatchSize = 200;
const phones: Phone[] = [];
const receiptMs: number[] = [];
let snapshots = 0;
let closed = 0;
let isSending = false;
/** Updates that are due before are not measured. */
let measureFrom = Number.POSITIVE_INFINITY;
let accepted = 0;
let refused = 0;
let refusal: string | undefined;
let stopRepeating: (() => void) | undefined;

function handleMessage(phone: Phone, to: number | undefined, start: string): void {
  const now = performance.now();
  const cursor = to ?? readSnapshotVersion(start);
  if (cursor !== undefined) {
    phone.version = cursor;
    if (isSending) phone.states.push({ version: cursor, at: now });
    if (to === undefined) snapshots += 1;
  } else if (start.startsWith('{"type":"accepted"')) {
    const dueAt = phone.dueAt[phone.receipts] ?? Number.NaN;
    if (dueAt >= measureFrom) receiptMs.push(now - dueAt);
    phone.receipts += 1;
    accepted += 1;
  } else if (start.startsWith('{"type":"error"')) {
    refused += 1;
    refusal ??= start;
  }
}

/** Undefined unless the message is a snapshot. */
function readSnapshotVersion(start: string): number | undefined {
  const version = /^{"type":"snapshot","cursor":"(\d+)\./.exec(start)?.[1];
  return version === undefined ? undefined : Number(version);
}

async function open({ url, token, particle }: PhoneOptions): Promise<void> {
  const phone: Phone = { url, particle, socket: undefined, dueAt: [], receipts: 0, version: 0, states: [] };
  phones.push(phone);
  phone.socket = await openRawSocket(url, `${streamProtocol}, ${bearerProtocolPrefix}${token}`, {
    onMessage: (to, start) => handleMessage(phone, to, start),
    onClose: () => (closed += 1),
  });
}

function sendUpdate(phone: Phone, dueAt: number): void {
  phone.dueAt.push(dueAt);
  const counter = phone.dueAt.length;
  const update = {
    counter,
    timestamp: Date.now(),
    seen: phone.version,
    kind: 'particle.put',
    id: phone.particle,
    position: { x: counter % 100, y: 1, z: 0.5 },
  };
  phone.socket?.write(encodeTextFrame(JSON.stringify({ type: 'update', updates: [update] })));
}

/** When this version or a later one arrived at the device; undefined if it did not. */
function findArrival({ states }: Phone, version: number): number | undefined {
  let [low, high] = [0, states.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((states[middle]?.version ?? 0) < version) low = middle + 1;
    else high = middle;
  }
  return states[low]?.at;
}

function requireNoneClosed(): void {
  if (closed > 0) throw new Error(`${closed} sockets were closed`);
}

const p50AndP99 = (times: readonly number[]): [number, number] => [percentile(times, 0.5), percentile(times, 0.99)];

const handlers = {
  /** Opens the sockets in batches. @returns the time in ms until each has its snapshot */
  async open(all: readonly PhoneOptions[]): Promise<number> {
    const startedAt = performance.now();
    for (let start = 0; start < all.length; start += openBatchSize) {
      await Promise.all(all.slice(start, start + openBatchSize).map(open));
    }
    await waitUntil('every socket has its snapshot', () => snapshots >= all.length, { timeoutMs: 60_000 });
    return performance.now() - startedAt;
  },
  /** Each device pings once in `everyMs`, until `stop`. */
  ping({ everyMs }: { readonly everyMs: number }): void {
    const frame = encodeTextFrame(JSON.stringify({ type: 'ping' }));
    stopRepeating = repeatEvenly({
      count: phones.length,
      everyMs,
      run: (index) => phones[index]?.socket?.write(frame),
    });
  },
  /** Each device sends one update in `everyMs`, until `stop`. Times are measured after `warmUpMs`. */
  send({ everyMs, warmUpMs }: { readonly everyMs: number; readonly warmUpMs: number }): void {
    isSending = true;
    measureFrom = performance.now() + warmUpMs;
    const run = (index: number, dueAt: number) => {
      const phone = phones[index];
      if (phone) sendUpdate(phone, dueAt);
    };
    stopRepeating = repeatEvenly({ count: phones.length, everyMs, run });
  },
  /** @throws if a socket was closed */
  stop(_: null): void {
    stopRepeating?.();
    requireNoneClosed();
  },
  /** Waits until all that was sent is answered, as far as it is. @returns how many updates were sent */
  async settle({ timeoutMs }: { readonly timeoutMs: number }): Promise<number> {
    const total = phones.reduce((sum, { dueAt }) => sum + dueAt.length, 0);
    // What is not answered by then is counted by the parent.
    const isAnswered = () => accepted + refused >= total;
    await waitUntil('every update is answered', isAnswered, { timeoutMs }).catch(() => undefined);
    return total;
  },
  /** Waits until what is in the log has arrived everywhere, as far as it does. @throws if a socket was closed */
  async report({ logged, timeoutMs }: ReportOptions): Promise<SendReport> {
    const watchersByUrl = new Map<string, Phone[]>();
    for (const phone of phones) {
      const watchers = watchersByUrl.get(phone.url);
      if (watchers) watchers.push(phone);
      else watchersByUrl.set(phone.url, [phone]);
    }
    const isArrived = ({ phone, version }: LoggedUpdate) =>
      (watchersByUrl.get(phones[phone]?.url ?? '') ?? []).every((watcher) => watcher.version >= version);
    // What has not arrived by then is counted as missing.
    await waitUntil('every update has arrived', () => logged.every(isArrived), { timeoutMs }).catch(() => undefined);
    requireNoneClosed();
    const arrivalMs: number[] = [];
    let missing = 0;
    for (const { phone, counter, version } of logged) {
      const sender = phones[phone];
      const dueAt = sender?.dueAt[counter - 1] ?? Number.NaN;
      for (const watcher of watchersByUrl.get(sender?.url ?? '') ?? []) {
        if (watcher === sender) continue;
        const at = findArrival(watcher, version);
        if (at === undefined) missing += 1;
        else if (dueAt >= measureFrom) arrivalMs.push(at - dueAt);
      }
    }
    const [receipts, arrivals] = [p50AndP99(receiptMs), p50AndP99(arrivalMs)];
    return { accepted, refused, refusal, receipts, arrivals, missing };
  },
};

export type Phones = typeof handlers;
serveRpc(handlers);

/**
 * How long from the POST of one device to the delta on another's WebSocket, at a steady rate, against a running stack:
 * `npm run bench -- latency --rate 200 --seconds 20`. Open loop: a slow answer does not slow the sender down.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    field: { type: 'string', default: 'bench-latency' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '3' },
    devices: { type: 'string', default: '50' },
    help: { type: 'boolean', default: false },
  },
});

const usage = `Measures POST-to-delta latency against a running stack (npm start).
  --url URL        the API, with open registration (default: the running npm start)
  --field FIELD    default bench-latency
  --rate N         updates a second, one a request (default 200)
  --devices N      how many take turns (default 50)
  --seconds N      measured time (default 20), after --warmup N seconds (default 3)`;

interface Device {
  readonly deviceId: string;
  readonly token: string;
}

interface Delta {
  readonly type: string;
  readonly updates?: readonly { device: string; counter: number }[];
}

/** The address that a running `npm start` has written down. */
async function findStack(): Promise<string> {
  const folder = process.env.FIELD_DATA_DIR ?? fileURLToPath(new URL('../.field', import.meta.url));
  try {
    return (JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')) as { API_URL: string }).API_URL;
  } catch (cause) {
    throw new Error('No stack is running: start one with `npm start`, or name one with --url', { cause });
  }
}

async function registerDevice(url: string): Promise<Device> {
  const answer = await fetch(`${url}/api/devices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  if (answer.status !== 201) throw new Error(`POST /api/devices answered ${answer.status}: is open registration on?`);
  return (await answer.json()) as Device;
}

/** Opens the stream of a field and hands every message to `onMessage`; resolves with the first one. */
function watch(url: string, field: string, { token }: Device, onMessage: (message: Delta) => void): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/fields/${field}/stream`, [
    'field.v1',
    `bearer.${token}`,
  ]);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data) => {
      onMessage(JSON.parse(String(data)));
      resolve(socket);
    });
  });
}

function post(url: string, field: string, { token }: Device, counter: number): Promise<Response> {
  const update = {
    counter,
    timestamp: Date.now(),
    kind: 'cells.set',
    cells: [{ x: counter % 30, y: 7, value: (counter % 100) / 100 }],
  };
  return fetch(`${url}/api/fields/${field}/updates`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ updates: [update] }),
  });
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function main(): Promise<void> {
  if (values.help) return console.log(usage);
  const { url = await findStack(), field } = values;
  const rate = Number(values.rate);
  const total = Math.round(rate * (Number(values.seconds) + Number(values.warmup)));
  const skipped = Math.round(rate * Number(values.warmup));
  const reader = await registerDevice(url);
  const writers = await Promise.all(Array.from({ length: Number(values.devices) }, () => registerDevice(url)));

  /** When an update was sent, by `device counter`, unless it belongs to the warm-up. */
  const sentAt = new Map<string, number>();
  const accepted: number[] = [];
  const delivered: number[] = [];
  let seen = 0;
  let refused = 0;
  let resolveDone = () => {};
  let rejectDone = (_: Error) => {};
  const done = new Promise<void>((resolve, reject) => {
    resolveDone = resolve;
    rejectDone = reject;
  });
  const socket = await watch(url, field, reader, ({ type, updates = [] }) => {
    if (type !== 'delta') return;
    for (const { device, counter } of updates) {
      const at = sentAt.get(`${device} ${counter}`);
      if (at === undefined) continue;
      if (at > 0) delivered.push(performance.now() - at);
      seen += 1;
      if (seen === total) resolveDone();
    }
  });

  const startedAt = performance.now();
  const send = async (place: number) => {
    const writer = writers[place % writers.length];
    if (!writer) return;
    const counter = Math.floor(place / writers.length) + 1;
    const startedAt = performance.now();
    sentAt.set(`${writer.deviceId} ${counter}`, place < skipped ? 0 : startedAt);
    const answer = await post(url, field, writer, counter);
    await answer.arrayBuffer();
    if (answer.status !== 202) refused += 1;
    else if (place >= skipped) accepted.push(performance.now() - startedAt);
  };
  const sending: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * rate));
      while (sending.length < due) sending.push(send(sending.length));
      if (sending.length < total) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await Promise.all(sending);
  const timeout = setTimeout(
    () => rejectDone(new Error(`only ${seen} of ${total} updates were seen on the stream`)),
    20_000,
  );
  if (refused === 0) await done;
  clearTimeout(timeout);
  socket.close();

  const row = (name: string, times: number[]) => {
    const sorted = times.sort((a, b) => a - b);
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => Number(percentile(sorted, share).toFixed(1)));
    return { what: name, count: sorted.length, p50, p99, p999, max: Number((sorted.at(-1) ?? Number.NaN).toFixed(1)) };
  };
  console.log(`${rate} updates a second for ${values.seconds} s, one a request; milliseconds; ${refused} refused`);
  console.table([row('POST to 202', accepted), row('POST to delta', delivered)]);
  if (refused > 0) process.exitCode = 1;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

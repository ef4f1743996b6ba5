/** A client whose server is the test: it answers each request, and sends the messages of the stream. Time is mocked. */
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Test } from 'tap';
import { createFieldClient } from '../../../../client/field-client.ts';
import type { FieldClientOptions } from '../../../../client/options.ts';
import { createServerState } from '../../../../client/state/server-state.ts';
import { memoryStorage } from '../../../../client/storage/memory-storage.ts';
import type {
  ClientMessage,
  Problem,
  ServerMessage,
  SnapshotReason,
  UpdateResult,
} from '../../../../shared/contract/messages.ts';
import type { Cursor } from '../../../../shared/field/cursor.ts';
import { versionOf } from '../../../../shared/field/cursor.ts';

const field = 'f';
const url = 'http://127.0.0.1';
const device = 'd';
const token = `.${btoa(JSON.stringify({ device }))}.`;

export interface FakeRequest {
  /** Below the field's URL, with the query. */
  readonly path: string;
  /** The counters of the updates that are sent. */
  readonly counters: readonly number[];
}
export type FakeResponse = readonly [status: number, body: object];

/** Waits until a condition holds, without waiting for time to pass. */
export async function untilTrue(condition: string, isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (isTrue()) return;
    await nextTurn();
  }
  throw new Error(`it never became true that ${condition}`);
}

export const accepted: FakeResponse = [202, { serverTime: 0 }];
export const unknownCursor: FakeResponse = [410, { code: 'cursor_unknown', status: 410 }];
export const inLog: FakeResponse = [200, { updates: [] }];

export function appliedResponse(results: readonly UpdateResult[], cursor: Cursor): FakeResponse {
  return [200, { version: versionOf(cursor), cursor, results, serverTime: 0 }];
}

/** The clients of one test share the time. */
let serverCount = 0;

/** How the socket answers updates; undefined means that no answer comes. */
export type AnswerUpdates = (counters: readonly number[], messageNumber: number) => ServerMessage | undefined;

export function refusal(status: number, messageNumber?: number, rest: Partial<Problem> = {}): ServerMessage {
  const problem = { type: '', title: `refused with ${status}`, code: 'forbidden' as const, status, ...rest };
  return { type: 'error', problem, messageNumber };
}

/**
 * @param respond undefined means that no response comes
 * @param answer by default the socket refuses updates, so that they are sent by POST
 */
export function withFakeServer(
  t: Test,
  respond: (request: FakeRequest) => FakeResponse | undefined,
  options: Partial<FieldClientOptions> = {},
  answer: AnswerUpdates = (_counters, messageNumber) => refusal(403, messageNumber),
) {
  if (serverCount === 0) mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_700_000_000_000 });
  serverCount += 1;
  t.teardown(() => {
    serverCount -= 1;
    if (serverCount === 0) mock.timers.reset();
  });
  const requests: FakeRequest[] = [];
  const fetch = async (address: string | URL | globalThis.Request, { body, signal }: RequestInit = {}) => {
    const path = String(address).slice(`${url}/api/fields/${field}`.length);
    const updates: { counter: number }[] = body ? JSON.parse(String(body)).updates : [];
    const request = { path, counters: updates.map(({ counter }) => counter) };
    requests.push(request);
    const isClock = path.startsWith('/clock');
    const [status, answer] = (isClock ? ([200, { clock: {} }] as const) : respond(request)) ?? (await never(signal));
    return new Response(JSON.stringify(answer), { status });
  };
  const sockets: FakeSocket[] = [];
  const messages: number[][] = [];
  const regionMessages: number[] = [];
  class FakeSocket {
    sentCount = 0;
    readonly listeners = new Map<string, (event: { data: unknown; code: number }) => void>();
    constructor(readonly url: string) {
      sockets.push(this);
    }
    send(text: string) {
      this.sentCount += 1;
      const message = JSON.parse(text) as ClientMessage;
      if (message.type === 'region') regionMessages.push(this.sentCount);
      if (message.type !== 'update') return;
      const counters = message.updates.map(({ counter }) => counter);
      messages.push(counters);
      const answered = answer(counters, this.sentCount);
      if (answered) queueMicrotask(() => this.emit('message', answered));
    }
    close() {}
    addEventListener(name: string, listener: (event: { data: unknown; code: number }) => void) {
      this.listeners.set(name, listener);
    }
    emit(name: string, data?: object) {
      this.listeners.get(name)?.({ data: JSON.stringify(data), code: 1000 });
    }
  }
  const storage = memoryStorage();
  const client = createFieldClient({ url, field, token, storage, fetch, WebSocket: FakeSocket, ...options });
  t.teardown(() => client.close());
  const receive = (message: ServerMessage) => sockets.at(-1)?.emit('message', message);
  return {
    client,
    storage,
    requests,
    sockets,
    receive,
    /** Starts the client and opens its stream. */
    async connect() {
      await client.start();
      await untilTrue('a socket was created', () => sockets.length > 0);
      sockets.at(-1)?.emit('open');
      receive({ type: 'presence', activeNodes: 1, devices: [] });
    },
    receiveSnapshot: (cursor: Cursor, reason: SnapshotReason) =>
      receive({ type: 'snapshot', cursor, reason, state: stateAt(cursor) }),
    receiveDelta(from: Cursor, to: Cursor, own: readonly UpdateResult[] = []) {
      const updates = own.map(({ cursor, ...update }) => ({ device: device as never, ...update }));
      const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = stateAt(to);
      const metrics = { globalResonance, collectiveIntelligence, room64Active, lastUpdate };
      receive({ type: 'delta', from, to, maxTimestamp: 0, changes: { particles: {}, cells: {}, metrics }, updates });
    },
    /** The counters of the updates that were sent over sockets. */
    messages,
    /** The numbers of the messages that requested a region. */
    regionMessages,
    /** The requests that ask whether the log has a cursor. */
    lookups: () => requests.flatMap(({ path }) => /^\/updates\?after=(.*)&limit=1$/.exec(path)?.[1] ?? []),
    sent: () => requests.filter(({ path }) => path === '/updates').map(({ counters }) => counters),
  };
}

export function stateAt(cursor: Cursor) {
  const { view } = createServerState(field);
  return { ...view, cursor, version: versionOf(cursor), memoryParticles: [], cells: {}, quantumFields: [] };
}

function never(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
}

/** Lets the seconds of the client pass one by one. */
export async function passSeconds(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    mock.timers.tick(1000);
    await nextTurn();
  }
}

/** A stream client for tests, which validates every message against the contract and keeps it. */
import { inflateSync } from 'node:zlib';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../../shared/contract/messages.ts';
import { serverMessageSchema } from '../../../shared/contract/stream.ts';
import { deflateProtocol, streamProtocol } from '../../../shared/contract/wire.ts';
import { type Cursor, versionOf } from '../../../shared/field/cursor.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { TestApi } from './with-app.ts';

type MessageOf<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;

export interface StreamClient {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[];
  /** Which of the messages were compressed, in order. */
  readonly compressed: boolean[];
  /** Set once the socket is closed. */
  readonly closed: { code: number } | undefined;
  send(message: unknown): void;
  /** Waits for the first message of a type that matches the predicate. */
  find<Type extends ServerMessage['type']>(
    type: Type,
    predicate?: (message: MessageOf<Type>) => boolean,
  ): Promise<MessageOf<Type>>;
  /** The versions of the snapshots and deltas, in order. @throws when a delta does not follow the version before */
  versions(): number[];
  /** The cursor of a version that it has had. @throws when it has had none */
  cursorAt(version: number): Cursor;
  waitForVersion(version: number): Promise<void>;
  close(): void;
}

interface StreamOptions {
  readonly token: string;
  readonly field: string;
  readonly after?: Cursor;
  /** `x0,y0,x1,y1` */
  readonly region?: string;
  readonly headers?: Record<string, string>;
  /** Authenticates as a browser does. */
  readonly byProtocol?: boolean;
  /** Accepts compressed messages. */
  readonly compressed?: boolean;
}

export function streamUrl(
  { address }: Pick<TestApi, 'address'>,
  field: string,
  query: { after?: Cursor; region?: string } = {},
): string {
  return `${address.replace('http', 'ws')}/api/fields/${field}/stream?${new URLSearchParams(query)}`;
}

export async function openStream(
  t: Test,
  api: Pick<TestApi, 'address'>,
  options: StreamOptions,
): Promise<StreamClient> {
  const { token, field, after, region, headers = {}, byProtocol, compressed } = options;
  const offered = compressed ? [deflateProtocol, streamProtocol] : [streamProtocol];
  const protocols = byProtocol ? [...offered, `bearer.${token}`] : offered;
  const query = { ...(after === undefined ? {} : { after }), ...(region === undefined ? {} : { region }) };
  const authorization = byProtocol ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(streamUrl(api, field, query), protocols, { headers: { ...authorization, ...headers } });
  const client = createStreamClient(socket);
  t.teardown(() => socket.terminate());
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return client;
}

/** The response to a refused upgrade. */
export async function refusedUpgrade(url: string, protocols: string[], headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, protocols, { headers });
  return new Promise<{ status: number; body: { code?: string } }>((resolve, reject) => {
    socket.on('open', () => reject(new Error('the upgrade was not refused')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
  });
}

function createStreamClient(socket: WebSocket): StreamClient {
  const messages: ServerMessage[] = [];
  let closed: { code: number } | undefined;
  const compressed: boolean[] = [];
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? inflateSync(data as Buffer) : data;
    messages.push(serverMessageSchema.parse(JSON.parse(text.toString())));
    compressed.push(isBinary);
  });
  socket.on('close', (code) => {
    closed = { code };
  });
  const client: StreamClient = {
    socket,
    messages,
    compressed,
    get closed() {
      return closed;
    },
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    find: (type, matches = () => true) =>
      waitUntil(`a matching ${type} has arrived`, () =>
        messages.find(
          (message): message is MessageOf<typeof type> => message.type === type && matches(message as never),
        ),
      ),
    versions: () => followVersions(messages),
    cursorAt(version) {
      const cursor = followCursors(messages).find((each) => versionOf(each) === version);
      if (!cursor) throw new Error(`the client has not been at version ${version}`);
      return cursor;
    },
    async waitForVersion(version) {
      await waitUntil(`the client is at version ${version}`, () => client.versions().at(-1) === version);
    },
    close: () => socket.close(),
  };
  return client;
}

export function followVersions(messages: readonly ServerMessage[]): number[] {
  return followCursors(messages).map(versionOf);
}

/** The cursors of the snapshots and deltas, in order. @throws when a delta does not follow the cursor before */
function followCursors(messages: readonly ServerMessage[]): Cursor[] {
  const cursors: Cursor[] = [];
  for (const message of messages) {
    if (message.type === 'snapshot') cursors.push(message.cursor);
    if (message.type !== 'delta') continue;
    const current = cursors.at(-1);
    if (current !== undefined && message.from !== current)
      throw new Error(`received a delta from ${message.from} at ${current}`);
    cursors.push(message.to);
  }
  return cursors;
}

/** Sends an attack over sockets of its own and counts the bytes of the answers. */
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { streamProtocol } from '../../../shared/contract/wire.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { CostAttack, Targets } from './attacks.ts';

export interface Sent {
  /** Requests or messages that were answered. */
  readonly count: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** The first line of an answer, or the code of an error. */
  readonly answer: string;
}

export async function sendAttack(address: string, attack: CostAttack, targets: Targets, index: number): Promise<Sent> {
  const made = attack.make(targets, index);
  return 'http' in made ? sendRequest(address, made.http) : sendMessages(address, made.messages, attack, targets);
}

/** The connection is closed after the response, so that all of it is counted. */
function sendRequest(address: string, request: Buffer): Promise<Sent> {
  const { hostname, port } = new URL(address);
  const bytes = Buffer.from(request.toString('latin1').replace('\r\n', '\r\nconnection: close\r\n'), 'latin1');
  return new Promise((resolve, reject) => {
    let bytesOut = 0;
    let head = '';
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    socket.setTimeout(120_000, () => socket.destroy(new Error('no answer within two minutes')));
    socket.on('data', (chunk) => {
      bytesOut += chunk.length;
      if (head.length < 20) head += chunk.toString('latin1', 0, 20);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The server may refuse the body while it is being sent.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () =>
      resolve({ count: 1, bytesIn: bytes.length, bytesOut, answer: head.slice(9, 12) || 'cut' }),
    );
  });
}

async function sendMessages(
  address: string,
  messages: readonly string[],
  { client }: CostAttack,
  { reader, writer, largeField, smallField }: Targets,
): Promise<Sent> {
  // A socket that cannot write follows only a field that exists.
  const [token, field] = client === 'reader' ? [reader, largeField] : [writer, smallField];
  const url = `${address.replace('http', 'ws')}/api/fields/${field}/stream`;
  const socket = new WebSocket(url, [streamProtocol, `bearer.${token}`]);
  const codes: string[] = [];
  let bytesOut = 0;
  let isClosed = false;
  socket.on('error', () => undefined); // `close` follows.
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString());
    if (message.type !== 'error') return;
    bytesOut += data.length;
    codes.push(message.problem.code);
  });
  const bytesIn = messages.reduce((sum, { length }) => sum + length, 0);
  try {
    await waitUntil('the socket is open', () => socket.readyState === WebSocket.OPEN || isClosed);
    for (const message of messages) socket.send(message);
    await waitUntil('the messages are answered', () => codes.length >= messages.length || isClosed, {
      timeoutMs: 120_000,
    });
    return { count: messages.length, bytesIn, bytesOut, answer: codes[0] ?? 'closed' };
  } finally {
    socket.terminate();
  }
}

/** Performs a WebSocket upgrade over a raw socket and sends invalid frames. Resolves with the server's close code. */
import { connect } from 'node:net';
import { streamProtocol } from '../../../shared/contract/wire.ts';
import type { Attacker, FramesAttempt } from '../attempt.ts';

const silenceTimeoutMs = 20_000;
/** The connection was closed without a close frame. */
const abnormal = 1006;

export function sendFrames(address: string, { token, field }: Attacker, { bytes }: FramesAttempt): Promise<number> {
  const { hostname, port } = new URL(address);
  const upgrade = [
    `GET /api/fields/${field}/stream HTTP/1.1`,
    'host: 127.0.0.1',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    `sec-websocket-protocol: ${streamProtocol}`,
    `authorization: Bearer ${token}`,
  ].join('\r\n');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let received = Buffer.alloc(0);
    let isUpgraded = false;
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the server did not close the socket within ${silenceTimeoutMs} ms`));
    }, silenceTimeoutMs);
    socket.on('error', () => undefined); // `close` follows.
    socket.on('connect', () => socket.write(`${upgrade}\r\n\r\n`));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (isUpgraded || !received.includes('\r\n\r\n')) return;
      isUpgraded = true;
      if (received.toString('latin1', 0, 12) !== 'HTTP/1.1 101') reject(new Error('the WebSocket upgrade failed'));
      socket.write(bytes);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(closeCodeOf(received));
    });
  });
}

/** The server's last frame is a close frame with a code and no reason. */
function closeCodeOf(received: Buffer): number {
  const at = received.length - 4;
  return at >= 0 && received.readUInt16BE(at) === 0x8802 ? received.readUInt16BE(at + 2) : abnormal;
}

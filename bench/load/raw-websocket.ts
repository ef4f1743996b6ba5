/**
 * A minimal WebSocket client for reading, since thousands of full clients would distort the measurement. Reports each
 * complete message, and for deltas the version that they lead to.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface RawSocketEvents {
  /** Called for each complete message; `to` is undefined unless it is a delta, and `start` is its first 64 bytes as latin1. */
  readonly onMessage: (to: number | undefined, start: string) => void;
  readonly onClose: () => void;
}

const prefixBytes = 64;
/** An empty one, masked with zeros. */
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const deltaStart = '{"type":"delta","from":';

/** Resolves after the upgrade. @throws if the server rejects it */
export function openRawSocket(url: string, protocols: string, events: RawSocketEvents): Promise<Socket> {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${protocols ? `Sec-WebSocket-Protocol: ${protocols}\r\n` : ''}\r\n`,
  );
  // Servers close the connections of clients that do not answer.
  const answerPing = () => socket.write(pong);
  const frames = new FrameReader(events.onMessage, answerPing);
  return new Promise((resolve, reject) => {
    let head = '';
    const handleHandshake = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', handleHandshake);
      if (!head.startsWith('HTTP/1.1 101')) {
        socket.destroy();
        return reject(new Error(`WebSocket upgrade failed: ${head.slice(0, 200)}`));
      }
      socket.on('data', (data) => frames.push(data));
      const rest = Buffer.from(head.slice(end + 4), 'latin1');
      if (rest.length > 0) frames.push(rest);
      resolve(socket);
    };
    socket.on('data', handleHandshake);
    socket.on('error', reject);
    socket.on('close', events.onClose);
  });
}

/** The frame of a text from a client. */
export function encodeTextFrame(text: string): Buffer {
  return encodeFrame(Buffer.from(text), 0x81);
}

/** The frame of a binary message from a client. */
export function encodeBinaryFrame(payload: Uint8Array): Buffer {
  return encodeFrame(payload, 0x82);
}

/** Masked with zeros, which leaves the payload as it is. */
function encodeFrame(payload: Uint8Array, firstByte: number): Buffer {
  const isLong = payload.length >= 65_536;
  const head = Buffer.alloc(isLong ? 14 : 8);
  head[0] = firstByte;
  head[1] = 0x80 | (isLong ? 127 : 126);
  if (isLong) head.writeBigUInt64BE(BigInt(payload.length), 2);
  else head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** Parses unmasked frames from a server; keeps only the beginning of each message. */
class FrameReader {
  readonly #onMessage: RawSocketEvents['onMessage'];
  readonly #onPing: () => void;
  /** An incomplete frame head. */
  #partialHead: Buffer = Buffer.alloc(0);
  /** Remaining payload bytes of the current frame. */
  #remaining = 0;
  #prefix = '';
  #isData = false;

  constructor(onMessage: RawSocketEvents['onMessage'], onPing: () => void) {
    this.#onMessage = onMessage;
    this.#onPing = onPing;
  }

  push(chunk: Buffer): void {
    const data = this.#partialHead.length > 0 ? Buffer.concat([this.#partialHead, chunk]) : chunk;
    this.#partialHead = Buffer.alloc(0);
    for (let at = 0; at < data.length; ) {
      if (this.#remaining === 0) {
        const head = readHead(data, at);
        if (!head) {
          this.#partialHead = data.subarray(at);
          return;
        }
        at += head.bytes;
        this.#remaining = head.length;
        this.#isData = head.opcode === 1 || head.opcode === 2;
        if (head.opcode === 9) this.#onPing();
        this.#prefix = '';
      }
      const available = Math.min(this.#remaining, data.length - at);
      if (this.#prefix.length < prefixBytes) {
        this.#prefix += data.toString('latin1', at, at + Math.min(available, prefixBytes - this.#prefix.length));
      }
      at += available;
      this.#remaining -= available;
      if (this.#remaining === 0 && this.#isData) this.#onMessage(readVersion(this.#prefix), this.#prefix);
    }
  }
}

function readHead(data: Buffer, at: number): { bytes: number; length: number; opcode: number } | undefined {
  if (data.length < at + 2) return undefined;
  const opcode = (data[at] ?? 0) & 0x0f;
  const short = (data[at + 1] ?? 0) & 0x7f;
  if (short < 126) return { bytes: 2, length: short, opcode };
  if (short === 126) return data.length < at + 4 ? undefined : { bytes: 4, length: data.readUInt16BE(at + 2), opcode };
  return data.length < at + 10 ? undefined : { bytes: 10, length: Number(data.readBigUInt64BE(at + 2)), opcode };
}

function readVersion(prefix: string): number | undefined {
  if (!prefix.startsWith(deltaStart)) return undefined;
  const at = prefix.indexOf('"to":"', deltaStart.length);
  return at < 0 ? undefined : Number.parseInt(prefix.slice(at + 6), 10);
}

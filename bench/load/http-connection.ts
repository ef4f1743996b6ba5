/**
 * One keep-alive connection with one request at a time, and next to no cost of its own: on a machine that runs the load
 * beside what is loaded, a full HTTP client would be measured as well. Knows just as much HTTP as Fastify answers with.
 */
import { connect, type Socket } from 'node:net';

export interface LaneAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
}

interface Pending {
  resolve(answer: LaneAnswer): void;
  reject(error: Error): void;
}

const endOfHead = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);

export class HttpLane {
  readonly #socket: Socket;
  #pending: Pending | undefined;
  #chunks: Buffer[] = [];
  #received = 0;
  /** Undefined until the head of the answer is here. */
  #expected: { total: number; status: number; head: string; bodyAt: number } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  static open(url: string): Promise<HttpLane> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpLane(socket));
      });
    });
  }

  send(request: Buffer): Promise<LaneAnswer> {
    if (this.#pending) throw new Error('a lane carries one request at a time');
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    this.#expected ??= this.#readHead();
    if (!this.#expected || this.#received < this.#expected.total) return;
    const { status, head, bodyAt, total } = this.#expected;
    const body = total === bodyAt ? nothing : Buffer.concat(this.#chunks).subarray(bodyAt, total);
    const pending = this.#pending;
    this.#pending = undefined;
    this.#chunks = [];
    this.#received = 0;
    this.#expected = undefined;
    pending?.resolve({ status, head, body });
  }

  #readHead() {
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] ?? nothing) : Buffer.concat(this.#chunks);
    const end = bytes.indexOf(endOfHead);
    if (end < 0) return undefined;
    const head = bytes.toString('latin1', 0, end);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    const bodyAt = end + endOfHead.length;
    return { status: Number(head.slice(9, 12)), head, bodyAt, total: bodyAt + Number(length ?? 0) };
  }

  #fail(error: Error): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}

interface Request {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly headers?: string;
  readonly body?: string;
}

/** A request as bytes. */
export function encodeRequest({ method, path, token, headers = '', body }: Request): Buffer {
  const head =
    `${method ?? (body === undefined ? 'GET' : 'POST')} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
    `${token === undefined ? '' : `authorization: Bearer ${token}\r\n`}${headers}`;
  if (body === undefined) return Buffer.from(`${head}\r\n`);
  return Buffer.from(
    `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

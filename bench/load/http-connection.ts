/**
 * A minimal HTTP client: one keep-alive connection with one request at a time. The load generator shares the machine with
 * the server, so a full HTTP client would distort the measurement. Supports only responses with a content-length.
 */
import { connect, type Socket } from 'node:net';

export interface HttpResponse {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
}

interface Pending {
  resolve(response: HttpResponse): void;
  reject(error: Error): void;
}

const endOfHead = Buffer.from('\r\n\r\n');
const emptyBuffer = Buffer.alloc(0);

export class HttpConnection {
  readonly #socket: Socket;
  #pending: Pending | undefined;
  #chunks: Buffer[] = [];
  #received = 0;
  /** Undefined until the response head is complete. */
  #expected: { total: number; status: number; head: string; bodyOffset: number } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#handleData(chunk));
    socket.on('error', (error) => this.#rejectPending(error));
    socket.on('close', () => this.#rejectPending(new Error('the connection was closed')));
  }

  static open(url: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpConnection(socket));
      });
    });
  }

  send(request: Buffer): Promise<HttpResponse> {
    if (this.#pending) throw new Error('a connection carries one request at a time');
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #handleData(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    this.#expected ??= this.#readHead();
    if (!this.#expected || this.#received < this.#expected.total) return;
    const { status, head, bodyOffset, total } = this.#expected;
    const body = total === bodyOffset ? emptyBuffer : Buffer.concat(this.#chunks).subarray(bodyOffset, total);
    const pending = this.#pending;
    this.#pending = undefined;
    this.#chunks = [];
    this.#received = 0;
    this.#expected = undefined;
    pending?.resolve({ status, head, body });
  }

  #readHead() {
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] ?? emptyBuffer) : Buffer.concat(this.#chunks);
    const end = bytes.indexOf(endOfHead);
    if (end < 0) return undefined;
    const head = bytes.toString('latin1', 0, end);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    const bodyOffset = end + endOfHead.length;
    return { status: Number(head.slice(9, 12)), head, bodyOffset, total: bodyOffset + Number(length ?? 0) };
  }

  #rejectPending(error: Error): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}

interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly headers?: string;
  readonly body?: string;
}

/** Encodes a request. */
export function encodeRequest({ method, path, token, headers = '', body }: RequestOptions): Buffer {
  const head =
    `${method ?? (body === undefined ? 'GET' : 'POST')} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
    `${token === undefined ? '' : `authorization: Bearer ${token}\r\n`}${headers}`;
  if (body === undefined) return Buffer.from(`${head}\r\n`);
  return Buffer.from(
    `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

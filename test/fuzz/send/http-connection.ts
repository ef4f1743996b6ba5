/** A TCP connection that sends arbitrary bytes and parses the HTTP responses. */
import { connect, type Socket } from 'node:net';

export interface HttpResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Far longer than a response takes on a slow machine. */
const silenceTimeoutMs = 20_000;

export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #responses: HttpResponse[] = [];
  #isEnded = false;
  #isCloseAnnounced = false;
  #wake = () => {};

  constructor(address: string) {
    const { hostname, port } = new URL(address);
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (chunk) => {
      this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk;
      this.#read();
      this.#wake();
    });
    this.#socket.on('error', () => undefined); // `close` follows.
    this.#socket.on('close', () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  get isUsable(): boolean {
    return !this.#isEnded && !this.#isCloseAnnounced && this.#received.length === 0;
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Half-closes the connection; the server may still respond. */
  end(): void {
    this.#socket.end();
  }

  /** The next response, or undefined if the connection ends without one. @throws after 20 s */
  async next(): Promise<HttpResponse | undefined> {
    await this.#waitUntil(() => this.#responses.length > 0 || this.#isEnded, 'a response');
    return this.#responses.shift();
  }

  /** All further responses until the server closes the connection. @throws after 20 s */
  async rest(): Promise<readonly HttpResponse[]> {
    await this.#waitUntil(() => this.#isEnded, 'the end of the connection');
    return this.#responses.splice(0);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #waitUntil(condition: () => boolean, description: string): Promise<void> {
    const deadline = Date.now() + silenceTimeoutMs;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${description} was not received within ${silenceTimeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #read(): void {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#received.toString('latin1', 0, end);
      const status = Number(head.slice(9, 12));
      const bodyAt = end + 4;
      const bodyEnd = bodyAt + Number(headerOf(head, 'content-length') ?? 0);
      if (this.#received.length < bodyEnd) return;
      const body = this.#received.toString('utf8', bodyAt, bodyEnd);
      this.#received = this.#received.subarray(bodyEnd);
      if (/close/i.test(headerOf(head, 'connection') ?? '')) this.#isCloseAnnounced = true;
      // 100 Continue is an interim response.
      if (status >= 200 || status === 101)
        this.#responses.push({ status, type: headerOf(head, 'content-type') ?? '', body });
    }
  }
}

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1];
}

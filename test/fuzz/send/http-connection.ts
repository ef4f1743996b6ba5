/** One connection that sends bytes, whatever they are, and reads the answers that come back. */
import { connect, type Socket } from 'node:net';

export interface HttpResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Far beyond what an answer takes on a slow machine. */
const silenceTimeoutMs = 20_000;

export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #answers: HttpResponse[] = [];
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

  /** Ends our side; the other may still answer. */
  end(): void {
    this.#socket.end();
  }

  /** The next answer, or undefined when the connection ends without one. @throws when neither comes */
  async next(): Promise<HttpResponse | undefined> {
    await this.#until(() => this.#answers.length > 0 || this.#isEnded, 'an answer');
    return this.#answers.shift();
  }

  /** All further answers until the other side ends. @throws when it does not */
  async rest(): Promise<readonly HttpResponse[]> {
    await this.#until(() => this.#isEnded, 'the end of the connection');
    return this.#answers.splice(0);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + silenceTimeoutMs;
    while (!holds()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${what} did not come within ${silenceTimeoutMs} ms`);
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
      // 100 Continue is no answer yet.
      if (status >= 200 || status === 101)
        this.#answers.push({ status, type: headerOf(head, 'content-type') ?? '', body });
    }
  }
}

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1];
}

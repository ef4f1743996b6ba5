/**
 * Keeps a stream open: chooses the way, opens it again with growing pauses, renews its token, and notices when the device
 * has slept. Knows nothing of what the messages say.
 */
import type { ServerMessage } from '../../shared/contract/stream.ts';
import type { Backoff } from '../backoff.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Status, TransportName } from '../types.ts';
import { RequestError } from './http.ts';
import type { Credentials } from './token-provider.ts';
import { endOf, type Transport, type TransportEnd, type TransportOptions } from './transport.ts';
import type { Ways } from './transport-selector.ts';

const tickMs = 1000;
/** A tick that comes so much too late means that the device has slept. */
const sleptMs = 3000;
/** With the tick before it, a dead socket is known within 2 s of waking. */
const wakeProbeMs = 1000;
const refusedPauseMs = 30_000;
const renewPauseMs = 5000;

export interface ConnectionOptions {
  readonly ways: Ways;
  readonly credentials: Credentials;
  readonly clock: HybridClock;
  readonly backoff: Backoff;
  readonly stream: Pick<TransportOptions, 'url' | 'version'>;
  readonly onStatus: (status: Status) => void;
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onTick: () => void;
  readonly onProblem: (error: unknown) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #transport: Transport | undefined;
  #isOpen = false;
  #stopped: { value: boolean } = { value: true };
  #running: Promise<void> = Promise.resolve();
  #clock: ReturnType<typeof setInterval> | undefined;
  #tickedAt = 0;
  #renewedAt = 0;
  #isTokenRefused = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get transport(): TransportName | undefined {
    return this.#isOpen ? this.#transport?.name : undefined;
  }

  start(): void {
    const stopped = { value: false };
    this.#stopped = stopped;
    this.#isTokenRefused = false;
    this.#options.backoff.reset();
    this.#tickedAt = Date.now();
    this.#clock = setInterval(() => this.#tick(), tickMs);
    this.#running = this.#running.then(() => this.#run(stopped));
  }

  async stop(): Promise<void> {
    this.#stopped.value = true;
    clearInterval(this.#clock);
    this.#transport?.close();
    this.#options.backoff.stop();
    await this.#running;
  }

  /** Looks at once whether the stream lives, and ends a pause. */
  wake(): void {
    this.#options.backoff.reset();
    this.#options.backoff.call();
    this.#transport?.probe(wakeProbeMs);
  }

  /** Opens the stream anew, from the version that is held. */
  reopen(): void {
    this.#transport?.close();
  }

  async #run(stopped: { readonly value: boolean }): Promise<void> {
    const { onStatus, credentials, ways } = this.#options;
    onStatus('connecting');
    while (!stopped.value) {
      let token: string | undefined;
      let end: TransportEnd;
      try {
        token = await credentials.token();
        if (stopped.value) return;
        end = await this.#follow(token);
      } catch (error) {
        if (!stopped.value) this.#options.onProblem(error);
        end = endOf(error);
      }
      const wasOpen = this.#isOpen;
      this.#isOpen = false;
      this.#transport = undefined;
      if (stopped.value) return;
      const triesOther = ways.note(end, wasOpen);
      if (token !== undefined && (end.why === 'expired' || end.why === 'forbidden')) credentials.refuse(token);
      if (!triesOther) await this.#pause(end, wasOpen);
    }
  }

  #follow(token: string): Promise<TransportEnd> {
    const { stream, clock, ways, backoff, onStatus, onOpen, onMessage } = this.#options;
    const transport: Transport = ways.open({
      ...stream,
      token,
      clock,
      onOpen: () => {
        this.#isOpen = true;
        this.#isTokenRefused = false;
        backoff.reset();
        onStatus(transport.name === 'polling' ? 'polling' : 'live');
        onOpen();
      },
      onMessage: (message) => {
        if (this.#transport === transport) onMessage(message);
      },
    });
    this.#transport = transport;
    return transport.ended;
  }

  /** What was open is opened again at once, but for the jitter: only what fails again and again waits longer. */
  async #pause({ why, retryAfterMs = 0, message }: TransportEnd, wasOpen: boolean): Promise<void> {
    const { backoff, onStatus, onProblem } = this.#options;
    if (why === 'expired' && !this.#isTokenRefused) {
      // The next token is asked for at once; if that is refused as well, there is something to wait for.
      this.#isTokenRefused = true;
      onStatus('connecting');
      return;
    }
    if (why === 'expired' || why === 'forbidden') {
      onStatus('refused');
      onProblem(new RequestError(why, message ?? 'the token was refused'));
      return backoff.wait(Math.max(retryAfterMs, refusedPauseMs));
    }
    onStatus(wasOpen ? 'connecting' : 'offline');
    return backoff.wait(retryAfterMs);
  }

  #tick(): void {
    const now = Date.now();
    const lateMs = now - this.#tickedAt - tickMs;
    this.#tickedAt = now;
    if (lateMs > sleptMs) this.wake();
    const { credentials, clock, onTick } = this.#options;
    if (this.#isOpen && clock.now() >= credentials.renewAt && now - this.#renewedAt >= renewPauseMs) {
      this.#renewedAt = now;
      void this.#renew();
    }
    onTick();
  }

  async #renew(): Promise<void> {
    const transport = this.#transport;
    try {
      const token = await this.#options.credentials.token();
      if (transport && !transport.renew(token)) transport.close();
    } catch (error) {
      // Tried again soon; the token that there is may still be good.
      this.#options.onProblem(error);
    }
  }
}

/**
 * Keeps a stream open: chooses the way, opens it again with growing pauses, renews its token, and notices when the device
 * has slept. Knows nothing of what the messages say.
 */
import type { ServerMessage } from '../../shared/contract/stream.ts';
import type { Backoff } from '../backoff.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Status, TransportName } from '../types.ts';
import { RequestError } from './http.ts';
import type { TokenProvider } from './token-provider.ts';
import { type Transport, type TransportEnd, type TransportOptions, toTransportEnd } from './transport.ts';
import type { TransportSelector } from './transport-selector.ts';

const tickIntervalMs = 1000;
/** A tick that comes so much too late means that the device has slept. */
const suspendThresholdMs = 3000;
/** With the tick before it, a dead socket is known within 2 s of waking. */
const resumeProbeMs = 1000;
const refusedRetryMs = 30_000;
const renewRetryMs = 5000;

export interface ConnectionDeps {
  readonly transportSelector: TransportSelector;
  readonly tokenProvider: TokenProvider;
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
  readonly #deps: ConnectionDeps;
  #transport: Transport | undefined;
  #isOpen = false;
  #stopped: { value: boolean } = { value: true };
  #running: Promise<void> = Promise.resolve();
  #tickTimer: ReturnType<typeof setInterval> | undefined;
  #lastTickAt = 0;
  #lastRenewalAt = 0;
  #isTokenRefused = false;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  get transport(): TransportName | undefined {
    return this.#isOpen ? this.#transport?.name : undefined;
  }

  start(): void {
    const stopped = { value: false };
    this.#stopped = stopped;
    this.#isTokenRefused = false;
    this.#deps.backoff.reset();
    this.#lastTickAt = Date.now();
    this.#tickTimer = setInterval(() => this.#tick(), tickIntervalMs);
    this.#running = this.#running.then(() => this.#run(stopped));
  }

  async stop(): Promise<void> {
    this.#stopped.value = true;
    clearInterval(this.#tickTimer);
    this.#transport?.close();
    this.#deps.backoff.stop();
    await this.#running;
  }

  /** Looks at once whether the stream lives, and ends a pause. */
  checkNow(): void {
    this.#deps.backoff.reset();
    this.#deps.backoff.retryNow();
    this.#transport?.probe(resumeProbeMs);
  }

  /** Opens the stream anew, from the version that is held. */
  reopen(): void {
    this.#transport?.close();
  }

  async #run(stopped: { readonly value: boolean }): Promise<void> {
    const { onStatus, tokenProvider, transportSelector } = this.#deps;
    onStatus('connecting');
    while (!stopped.value) {
      let token: string | undefined;
      let end: TransportEnd;
      try {
        token = await tokenProvider.getToken();
        if (stopped.value) return;
        end = await this.#runTransport(token);
      } catch (error) {
        if (!stopped.value) this.#deps.onProblem(error);
        end = toTransportEnd(error);
      }
      const wasOpen = this.#isOpen;
      this.#isOpen = false;
      this.#transport = undefined;
      if (stopped.value) return;
      const isSwitching = transportSelector.recordEnd(end, wasOpen);
      if (token !== undefined && (end.reason === 'expired' || end.reason === 'forbidden'))
        tokenProvider.invalidate(token);
      if (!isSwitching) await this.#waitBeforeRetry(end, wasOpen);
    }
  }

  #runTransport(token: string): Promise<TransportEnd> {
    const { stream, clock, transportSelector, backoff, onStatus, onOpen, onMessage } = this.#deps;
    const transport: Transport = transportSelector.open({
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
  async #waitBeforeRetry({ reason, retryAfterMs = 0, message }: TransportEnd, wasOpen: boolean): Promise<void> {
    const { backoff, onStatus, onProblem } = this.#deps;
    if (reason === 'expired' && !this.#isTokenRefused) {
      // The next token is asked for at once; if that is refused as well, there is something to wait for.
      this.#isTokenRefused = true;
      onStatus('connecting');
      return;
    }
    if (reason === 'expired' || reason === 'forbidden') {
      onStatus('refused');
      onProblem(new RequestError(reason, message ?? 'the token was refused'));
      return backoff.wait(Math.max(retryAfterMs, refusedRetryMs));
    }
    onStatus(wasOpen ? 'connecting' : 'offline');
    return backoff.wait(retryAfterMs);
  }

  #tick(): void {
    const now = Date.now();
    const lagMs = now - this.#lastTickAt - tickIntervalMs;
    this.#lastTickAt = now;
    if (lagMs > suspendThresholdMs) this.checkNow();
    const { tokenProvider, clock, onTick } = this.#deps;
    if (this.#isOpen && clock.now() >= tokenProvider.renewAt && now - this.#lastRenewalAt >= renewRetryMs) {
      this.#lastRenewalAt = now;
      void this.#renew();
    }
    onTick();
  }

  async #renew(): Promise<void> {
    const transport = this.#transport;
    try {
      const token = await this.#deps.tokenProvider.getToken();
      if (transport && !transport.renew(token)) transport.close();
    } catch (error) {
      // Tried again soon; the token that there is may still be good.
      this.#deps.onProblem(error);
    }
  }
}

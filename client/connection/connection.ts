/**
 * Keeps a stream open: reconnects with backoff, renews its token, and detects that the device was suspended. Does not interpret
 * messages.
 */
import type { ClientMessage, ServerMessage } from '../../shared/contract/messages.ts';
import type { Backoff } from '../backoff.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Status, TransportName } from '../types.ts';
import { type ConnectionEvent, type ConnectionState, nextConnectionState } from './connection-state.ts';
import { RequestError } from './http.ts';
import type { TokenProvider } from './token-provider.ts';
import { type Transport, type TransportEnd, type TransportOptions, toTransportEnd } from './transport.ts';
import type { TransportSelector } from './transport-selector.ts';

export const tickIntervalMs = 1000;
/** A tick that is late by more than this means that the device was suspended. */
const suspendThresholdMs = 3000;
/** Together with the tick before the probe, a dead socket is detected within 2 s of resuming. */
const resumeProbeMs = 1000;
const refusedRetryMs = 30_000;
const renewRetryMs = 5000;
/** Backoff resets only after these, since a server may accept connections and close them at once. */
const ticksUntilStable = 5;

export interface ConnectionDeps {
  readonly transportSelector: TransportSelector;
  readonly tokenProvider: TokenProvider;
  readonly clock: HybridClock;
  readonly backoff: Backoff;
  readonly stream: Pick<TransportOptions, 'url' | 'cursor' | 'isHistoryBroken' | 'region' | 'emptyState'>;
  readonly onStatus: (status: Status) => void;
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
  /** Called every second while the connection is started. */
  readonly onTick: () => void;
  readonly onProblem: (error: unknown) => void;
}

export class Connection {
  readonly #deps: ConnectionDeps;
  #state: ConnectionState = 'stopped';
  #transport: Transport | undefined;
  /** The transport's token. */
  #token: string | undefined;
  #abort: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #tickTimer: ReturnType<typeof setInterval> | undefined;
  #lastTickAt = 0;
  /** How many seconds the stream has been open. */
  #openTicks = 0;
  #lastRenewalAt = 0;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  /** The transport that is open. */
  get transport(): TransportName | undefined {
    return this.#state === 'open' ? this.#transport?.name : undefined;
  }

  /** The open WebSocket, if it is authenticated with this token: as the same device, with the same rights. */
  findSocket(token: string): Transport | undefined {
    return this.transport === 'websocket' && this.#token === token ? this.#transport : undefined;
  }

  start(): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#deps.backoff.reset();
    this.#transition('started');
    this.#lastTickAt = Date.now();
    this.#tickTimer = setInterval(() => this.#tick(), tickIntervalMs);
    this.#running = this.#running.then(() => this.#run(abort.signal));
  }

  /** Resolves when the stream has ended. */
  async stop(): Promise<void> {
    this.#state = nextConnectionState(this.#state, 'stopped');
    this.#abort?.abort();
    clearInterval(this.#tickTimer);
    this.#transport?.close();
    this.#deps.backoff.stop();
    await this.#running;
  }

  /** Ends a pause, or checks within a second whether the open stream is alive. */
  checkNow(): void {
    this.#deps.backoff.reset();
    this.#deps.backoff.retryNow();
    this.#transport?.probe(resumeProbeMs);
  }

  /** @returns the message's number, by which an error names it; 0 unless a stream is open that can send messages */
  send(message: ClientMessage): number {
    return this.#state === 'open' ? (this.#transport?.send(message) ?? 0) : 0;
  }

  /** Closes the stream, which is then reopened from the client's cursor. */
  reopen(): void {
    this.#transport?.close();
  }

  /** Reconnects at once, even during a pause that the server requested: another token may be accepted. */
  reconnect(): void {
    this.#deps.backoff.reset();
    this.#deps.backoff.stop();
    this.#transport?.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { tokenProvider, transportSelector, onProblem } = this.#deps;
    while (!signal.aborted) {
      let token: string | undefined;
      let end: TransportEnd;
      try {
        token = await tokenProvider.getToken(signal);
        if (signal.aborted) return;
        end = await this.#runTransport(token);
      } catch (error) {
        if (!signal.aborted) onProblem(error);
        end = toTransportEnd(error);
      }
      this.#transport = undefined;
      if (signal.aborted) return;
      if (token !== undefined && (end.reason === 'expired' || end.reason === 'forbidden'))
        tokenProvider.invalidate(token);
      const isSwitching = transportSelector.recordEnd(end, this.#state === 'open');
      if (!isSwitching) await this.#waitBeforeRetry(end);
    }
  }

  #runTransport(token: string): Promise<TransportEnd> {
    const { stream, clock, transportSelector, onOpen, onMessage } = this.#deps;
    const transport: Transport = transportSelector.open({
      ...stream,
      token,
      clock,
      onOpen: () => {
        if (this.#transport !== transport) return;
        this.#openTicks = 0;
        this.#transition('opened');
        onOpen();
      },
      onMessage: (message) => {
        if (this.#transport === transport) onMessage(message);
      },
    });
    this.#transport = transport;
    this.#token = token;
    return transport.ended;
  }

  /** A stream that stayed open is reopened after jitter alone; the pause grows after failures and after streams that end at once. */
  async #waitBeforeRetry({ reason, retryAfterMs = 0, message }: TransportEnd): Promise<void> {
    const { backoff, onProblem } = this.#deps;
    this.#transition(reason);
    if (this.#state === 'renewingToken') return;
    if (this.#state !== 'refused') return backoff.wait(retryAfterMs);
    onProblem(new RequestError(reason, message ?? 'The server rejected the token.'));
    return backoff.wait(Math.max(retryAfterMs, refusedRetryMs));
  }

  #transition(event: ConnectionEvent): void {
    this.#state = nextConnectionState(this.#state, event);
    this.#deps.onStatus(this.#toStatus());
  }

  #toStatus(): Status {
    switch (this.#state) {
      case 'open':
        return this.#transport?.name === 'polling' ? 'polling' : 'live';
      case 'renewingToken':
        return 'connecting';
      case 'stopped':
        return 'closed';
      default:
        return this.#state;
    }
  }

  #tick(): void {
    const now = Date.now();
    const lagMs = now - this.#lastTickAt - tickIntervalMs;
    this.#lastTickAt = now;
    if (lagMs > suspendThresholdMs) this.checkNow();
    const { tokenProvider, clock, backoff, onTick } = this.#deps;
    const isDue = clock.now() >= tokenProvider.renewAt && Math.abs(now - this.#lastRenewalAt) >= renewRetryMs;
    if (this.#state === 'open' && ++this.#openTicks === ticksUntilStable) backoff.reset();
    if (this.#state === 'open' && isDue) {
      this.#lastRenewalAt = now;
      void this.#renewToken();
    }
    onTick();
  }

  async #renewToken(): Promise<void> {
    const transport = this.#transport;
    try {
      const token = await this.#deps.tokenProvider.getToken(this.#abort?.signal);
      if (transport?.send({ type: 'token', token })) this.#token = token;
      else transport?.close();
    } catch (error) {
      // The current token may still be valid, so the stream stays open and the renewal is tried again.
      if (this.#state !== 'stopped') this.#deps.onProblem(error);
    }
  }
}

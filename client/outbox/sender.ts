/**
 * Sends the outbox, one request at a time and in order, for as long as it takes. Updates always go by POST, also while a
 * WebSocket is open: its answer has a status, a `Retry-After`, and says which request it is for.
 */
import type { Accepted, AppliedResponse } from '../../shared/contract/receipt.ts';
import { maxRequestBytes, maxUpdatesPerRequest } from '../../shared/contract/wire.ts';
import type { Update } from '../../shared/field/update.ts';
import type { Backoff } from '../backoff.ts';
import { RequestError, type SendFieldRequest } from '../connection/http.ts';
import type { TokenProvider } from '../connection/token-provider.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Outbox } from './outbox.ts';
import type { OutboxStore } from './outbox-store.ts';

/** Of a batch as text: in UTF-8 it has at most three times the bytes, and not every phone can count them. */
const maxBatchLength = Math.floor(maxRequestBytes / 3) - 64;
const preferWaitSeconds = 10;
const requestTimeoutMs = 10_000;

export interface SenderDeps {
  readonly sendRequest: SendFieldRequest;
  readonly outbox: Outbox;
  readonly store: OutboxStore;
  readonly clock: HybridClock;
  readonly tokenProvider: TokenProvider;
  readonly backoff: Backoff;
  /** Makes sure, before anything is sent, that counters start where the server says. */
  readonly syncCounter: (token: string, signal: AbortSignal) => Promise<void>;
  /** Whether the stream will tell what becomes of updates; if not, the answer is waited for. */
  readonly isStreaming: () => boolean;
  readonly onSettled: (answer: AppliedResponse) => void;
  readonly onProblem: (error: unknown) => void;
}

export class Sender {
  readonly #deps: SenderDeps;
  #abort: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #resume: () => void = () => undefined;
  /** How many updates go together: fewer while the one is looked for that makes the server refuse them all. */
  #batchSize = maxUpdatesPerRequest;

  constructor(options: SenderDeps) {
    this.#deps = options;
  }

  start(): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#deps.backoff.reset();
    this.#running = this.#running.then(() => this.#run(abort.signal));
  }

  /** Resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.notify();
    this.#deps.backoff.stop();
    await this.#running;
  }

  /** There is something to send, or a better time to try. */
  notify(): void {
    this.#resume();
  }

  retryNow(): void {
    this.#deps.backoff.retryNow();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { outbox, backoff, onProblem } = this.#deps;
    while (!signal.aborted) {
      if (!outbox.hasDue) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
        continue;
      }
      try {
        await this.#sendNext(signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        onProblem(error);
        await backoff.wait(error instanceof RequestError ? error.retryAfterMs : 0);
      }
    }
  }

  async #sendNext(signal: AbortSignal): Promise<void> {
    const { tokenProvider, syncCounter } = this.#deps;
    const token = await tokenProvider.getToken();
    try {
      await syncCounter(token, signal);
      await this.#sendBatch(token, signal);
    } catch (error) {
      if (error instanceof RequestError && (error.status === 401 || error.status === 403))
        tokenProvider.invalidate(token);
      throw error;
    }
  }

  async #sendBatch(token: string, signal: AbortSignal): Promise<void> {
    const { outbox, store } = this.#deps;
    const updates = outbox.nextBatch(this.#batchSize, maxBatchLength);
    if (updates.length === 0) return;
    await store.flush();
    try {
      await this.#post(updates, token, signal);
      this.#batchSize = Math.min(maxUpdatesPerRequest, this.#batchSize * 2);
    } catch (error) {
      if (!(error instanceof RequestError && isContentError(error))) throw error;
      this.#rejectInvalid(updates, error);
    }
  }

  async #post(updates: readonly Update[], token: string, signal: AbortSignal): Promise<void> {
    const { sendRequest, outbox, clock, isStreaming, onSettled } = this.#deps;
    const isWaiting = !isStreaming() || outbox.needsResults(updates);
    const sentAt = clock.wallTime();
    const { body } = await sendRequest('/updates', {
      token,
      body: { updates },
      ...(isWaiting ? { headers: { prefer: `wait=${preferWaitSeconds}` } } : {}),
      timeoutMs: requestTimeoutMs + (isWaiting ? preferWaitSeconds * 1000 : 0),
      signal,
    });
    const answer = body as Accepted | AppliedResponse;
    // An answer that was waited for says when the updates came, not when it was written.
    clock.correct(answer.serverTime, isWaiting ? clock.wallTime() : sentAt);
    outbox.markAccepted(updates.map(({ counter }) => counter));
    if ('results' in answer) onSettled(answer);
  }

  /** A batch is refused whole. The server names who is to blame, or it is looked for by halves. */
  #rejectInvalid(updates: readonly Update[], error: RequestError): void {
    const invalid = (error.errors ?? []).flatMap(({ path, message }) => {
      const [, index] = /^\/updates\/(\d+)/.exec(path) ?? [];
      const update = index === undefined ? undefined : updates[Number(index)];
      return update
        ? [{ counter: update.counter, reason: `${path.slice(`/updates/${index}`.length)} ${message}`.trim() }]
        : [];
    });
    const [only, ...others] = updates;
    if (invalid.length > 0) for (const { counter, reason } of invalid) this.#deps.outbox.refuse(counter, reason);
    else if (only && others.length === 0) this.#deps.outbox.refuse(only.counter, error.message);
    else this.#batchSize = Math.ceil(updates.length / 2);
  }
}

/** Trying again would bring the same answer; who asks, or how often, has nothing to do with it. */
function isContentError({ status, code }: RequestError): boolean {
  return status === 413 || (status === 400 && code !== 'internal');
}

/**
 * Sends the outbox, one request at a time and in order, for as long as it takes. Updates always go by POST, also while a
 * WebSocket is open: its answer has a status, a `Retry-After`, and says which request it is for.
 */
import type { Accepted, AppliedAnswer } from '../../shared/contract/receipt.ts';
import { maxRequestBytes, maxUpdatesPerRequest } from '../../shared/contract/wire.ts';
import type { Update } from '../../shared/field/update.ts';
import type { Backoff } from '../backoff.ts';
import { type AskField, RequestError } from '../connection/http.ts';
import type { Credentials } from '../connection/token-provider.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Outbox } from './outbox.ts';
import type { OutboxStore } from './outbox-store.ts';

/** Of a batch as text: in UTF-8 it has at most three times the bytes, and not every phone can count them. */
const maxLength = Math.floor(maxRequestBytes / 3) - 64;
const waitSeconds = 10;
const timeoutMs = 10_000;

export interface SenderOptions {
  readonly ask: AskField;
  readonly outbox: Outbox;
  readonly store: OutboxStore;
  readonly clock: HybridClock;
  readonly credentials: Credentials;
  readonly backoff: Backoff;
  /** Makes sure, before anything is sent, that counters start where the server says. */
  readonly prepare: (token: string, signal: AbortSignal) => Promise<void>;
  /** Whether the stream will tell what becomes of updates; if not, the answer is waited for. */
  readonly isFollowing: () => boolean;
  readonly onSettled: (answer: AppliedAnswer) => void;
  readonly onProblem: (error: unknown) => void;
}

export class Sender {
  readonly #options: SenderOptions;
  #abort: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #call: () => void = () => undefined;
  /** How many updates go together: fewer while the one is looked for that makes the server refuse them all. */
  #limit = maxUpdatesPerRequest;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  start(): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#options.backoff.reset();
    this.#running = this.#running.then(() => this.#run(abort.signal));
  }

  /** Resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.wake();
    this.#options.backoff.stop();
    await this.#running;
  }

  /** There is something to send, or a better time to try. */
  wake(): void {
    this.#call();
  }

  hurry(): void {
    this.#options.backoff.call();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { outbox, backoff, onProblem } = this.#options;
    while (!signal.aborted) {
      if (!outbox.hasDue) {
        await new Promise<void>((resolve) => {
          this.#call = resolve;
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
    const { credentials, prepare } = this.#options;
    const token = await credentials.token();
    try {
      await prepare(token, signal);
      await this.#sendBatch(token, signal);
    } catch (error) {
      if (error instanceof RequestError && (error.status === 401 || error.status === 403)) credentials.refuse(token);
      throw error;
    }
  }

  async #sendBatch(token: string, signal: AbortSignal): Promise<void> {
    const { outbox, store } = this.#options;
    const updates = outbox.takeBatch(this.#limit, maxLength);
    if (updates.length === 0) return;
    await store.saved();
    try {
      await this.#post(updates, token, signal);
      this.#limit = Math.min(maxUpdatesPerRequest, this.#limit * 2);
    } catch (error) {
      if (!(error instanceof RequestError && isAboutContent(error))) throw error;
      this.#setAside(updates, error);
    }
  }

  async #post(updates: readonly Update[], token: string, signal: AbortSignal): Promise<void> {
    const { ask, outbox, clock, isFollowing, onSettled } = this.#options;
    const waits = !isFollowing() || outbox.needsAnswer(updates);
    const sentAt = clock.wall();
    const { body } = await ask('/updates', {
      token,
      body: { updates },
      ...(waits ? { headers: { prefer: `wait=${waitSeconds}` } } : {}),
      timeoutMs: timeoutMs + (waits ? waitSeconds * 1000 : 0),
      signal,
    });
    const answer = body as Accepted | AppliedAnswer;
    // An answer that was waited for says when the updates came, not when it was written.
    clock.correct(answer.serverTime, waits ? clock.wall() : sentAt);
    outbox.accept(updates.map(({ counter }) => counter));
    if ('results' in answer) onSettled(answer);
  }

  /** A batch is refused whole. The server names who is to blame, or it is looked for by halves. */
  #setAside(updates: readonly Update[], error: RequestError): void {
    const named = (error.errors ?? []).flatMap(({ path, message }) => {
      const [, index] = /^\/updates\/(\d+)/.exec(path) ?? [];
      const update = index === undefined ? undefined : updates[Number(index)];
      return update
        ? [{ counter: update.counter, reason: `${path.slice(`/updates/${index}`.length)} ${message}`.trim() }]
        : [];
    });
    const [only, ...others] = updates;
    if (named.length > 0) for (const { counter, reason } of named) this.#options.outbox.refuse(counter, reason);
    else if (only && others.length === 0) this.#options.outbox.refuse(only.counter, error.message);
    else this.#limit = Math.ceil(updates.length / 2);
  }
}

/** Trying again would bring the same answer; who asks, or how often, has nothing to do with it. */
function isAboutContent({ status, code }: RequestError): boolean {
  return status === 413 || (status === 400 && code !== 'internal');
}

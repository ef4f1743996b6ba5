/**
 * Sends due updates, one batch at a time and in order, and retries until each has been accepted or refused. A batch goes over the
 * open WebSocket if only its receipt is awaited, and otherwise, or if no answer comes, by POST.
 */
import type { Accepted, AppliedResponse, ServerMessage } from '../../shared/contract/messages.ts';
import { maxRequestBytes, maxUpdatesPerRequest } from '../../shared/contract/wire.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { Backoff } from '../backoff.ts';
import { RequestError, type SendFieldRequest, toProblemError } from '../connection/http.ts';
import type { TokenProvider } from '../connection/token-provider.ts';
import type { Transport } from '../connection/transport.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { ItemStore } from '../outbox/item-store.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { untilAborted } from '../timing/until-aborted.ts';
import { UpdateChannel } from './update-channel.ts';

/**
 * In characters, since React Native cannot count bytes everywhere; one takes at most three bytes of UTF-8. 64 are reserved for the
 * JSON around the updates.
 */
const maxBatchLength = Math.floor(maxRequestBytes / 3) - 64;
const preferWaitSeconds = 10;
const minRequestTimeoutMs = 10_000;
const maxRequestTimeoutMs = 160_000;
/** On slow uplinks requests shrink down to this length or to one update; after that, their timeout grows. */
const minBatchLength = 4096;
/**
 * The slowest uplink that requests wait for, in characters per second. Without this limit, a short request that is lost would
 * block the others for minutes.
 */
const minUplinkRate = 400;
/** The server closes a socket that sends more than 100 messages a second. Updates made in between share a message. */
const minMessageIntervalMs = 20;

const updatePath = /^\/updates\/(\d+)/;

interface CheckBeforeSending {
  readonly isDue: boolean;
  run(token: string, signal: AbortSignal): Promise<void>;
}

export interface SenderDeps {
  readonly sendRequest: SendFieldRequest;
  readonly outbox: Outbox;
  readonly store: Pick<ItemStore, 'flush'>;
  readonly clock: HybridClock;
  readonly tokenProvider: TokenProvider;
  readonly backoff: Backoff;
  /** Ensures that new counters are above those that the server has seen; awaited before anything is sent. */
  readonly syncCounter: (token: string, signal: AbortSignal) => Promise<void>;
  /** Called when the server refuses a counter as too far above the last one that it has, which has to be read again. */
  readonly onCounterTooFar: () => void;
  /** Runs before updates are sent, so that lost ones are sent before newer ones. */
  readonly historyCheck: CheckBeforeSending;
  /** Whether results arrive by the stream. If not, the request waits for them. */
  readonly isStreaming: () => boolean;
  /** The open WebSocket that is authenticated with this token. */
  readonly findSocket: (token: string) => Transport | undefined;
  readonly onAccepted: (counters: readonly number[]) => void;
  readonly onSettled: (response: AppliedResponse) => void;
  readonly onProblem: (error: unknown) => void;
}

export class Sender {
  readonly #deps: SenderDeps;
  readonly #channel = new UpdateChannel();
  #abort: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #resume: () => void = () => undefined;
  /** Updates per request: halved while searching for one that makes the server reject its whole batch. */
  #batchSize = maxUpdatesPerRequest;
  /** Characters per request: halved when a request does not arrive. */
  #batchLength = maxBatchLength;
  #requestTimeoutMs = minRequestTimeoutMs;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  start(): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#deps.backoff.reset();
    this.#running = this.#running.then(() => this.#run(abort.signal));
  }

  /** Aborts the request that is in flight. Resolves when nothing is sent any more. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.notify();
    this.#deps.backoff.stop();
    await this.#running;
  }

  /** To be called when an update has become due. Does not shorten a pause. */
  notify(): void {
    this.#resume();
  }

  /** Ends a pause, unless the server asked for it. */
  retryNow(): void {
    this.#deps.backoff.retryNow();
  }

  /** @returns whether the message answers what was sent */
  handleMessage(message: ServerMessage): boolean {
    return this.#channel.handle(message);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { outbox, historyCheck, backoff, onProblem } = this.#deps;
    while (!signal.aborted) {
      if (!outbox.hasDue && !historyCheck.isDue) {
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
    const { tokenProvider, syncCounter, historyCheck } = this.#deps;
    const token = await tokenProvider.getToken(signal);
    const { generation } = tokenProvider;
    try {
      await syncCounter(token, signal);
      await historyCheck.run(token, signal);
      await this.#sendBatch(token, generation, signal);
    } catch (error) {
      if (error instanceof RequestError && (error.status === 401 || error.status === 403))
        tokenProvider.invalidate(token);
      throw error;
    }
  }

  async #sendBatch(token: string, generation: number, signal: AbortSignal): Promise<void> {
    const { outbox, store, tokenProvider } = this.#deps;
    await store.flush();
    // Another account has signed in meanwhile, and the pending updates are that account's.
    if (generation !== tokenProvider.generation) return;
    outbox.leapIfUnsaved();
    const updates = outbox.nextBatch(this.#batchSize, this.#batchLength);
    if (updates.length === 0) return;
    await store.flush();
    try {
      await this.#send(updates, token, signal);
      this.#batchSize = Math.min(maxUpdatesPerRequest, this.#batchSize * 2);
      this.#batchLength = Math.min(maxBatchLength, this.#batchLength * 2);
      this.#requestTimeoutMs = minRequestTimeoutMs;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.status === 0 && !signal.aborted) this.#sendLess(updates, error);
      if (!isContentError(error)) throw error;
      if (error.code === 'counter_too_far') this.#handleFarCounter(updates, error);
      else this.#rejectInvalid(updates, error);
    }
  }

  /** Updates with lower counters are sent first, since they raise the last counter that the server has of the device. */
  #handleFarCounter({ length }: readonly SentUpdate[], error: RequestError): void {
    const index = Math.min(...(error.errors ?? []).map(({ path }) => toIndex(path) ?? 0));
    if (index <= 0 || index >= length) {
      this.#deps.onCounterTooFar();
      throw error;
    }
    this.#batchSize = index;
  }

  /** The request did not arrive: it may have been too large for a proxy, or for the time that it had. */
  #sendLess(updates: readonly SentUpdate[], { code }: RequestError): void {
    const length = JSON.stringify(updates).length;
    if (updates.length > 1 && length > minBatchLength) this.#batchLength = Math.max(minBatchLength, length / 2);
    else if (code === 'timeout') this.#requestTimeoutMs = Math.min(maxRequestTimeoutMs, 2 * this.#requestTimeoutMs);
  }

  #timeoutFor(updates: readonly SentUpdate[]): number {
    const slowestMs = (1000 * JSON.stringify(updates).length) / minUplinkRate;
    return Math.min(this.#requestTimeoutMs, minRequestTimeoutMs + slowestMs);
  }

  async #send(updates: readonly SentUpdate[], token: string, signal: AbortSignal): Promise<void> {
    const { outbox, clock, isStreaming, findSocket, onAccepted } = this.#deps;
    const isWaiting = !isStreaming() || outbox.needsResults(updates);
    const sentAt = clock.wallTime();
    const pause = new Promise((resolve) => setTimeout(resolve, minMessageIntervalMs));
    const answer = isWaiting ? undefined : await this.#channel.send(findSocket(token), updates);
    if (answer?.type === 'error') throw toProblemError(answer.problem, (answer.problem.retryAfter ?? 0) * 1000);
    if (!answer) return this.#post(updates, token, isWaiting, signal);
    clock.correct(answer.serverTime, sentAt);
    onAccepted(updates.map(({ counter }) => counter));
    await untilAborted(pause, signal);
  }

  async #post(updates: readonly SentUpdate[], token: string, isWaiting: boolean, signal: AbortSignal): Promise<void> {
    const { sendRequest, clock, onAccepted, onSettled } = this.#deps;
    if (signal.aborted) return;
    const sentAt = clock.wallTime();
    const { body } = await sendRequest('/updates', {
      token,
      body: { updates },
      expects: 'serverTime',
      ...(isWaiting ? { headers: { prefer: `wait=${preferWaitSeconds}` } } : {}),
      timeoutMs: this.#timeoutFor(updates) + (isWaiting ? preferWaitSeconds * 1000 : 0),
      signal,
    });
    const response = body as Accepted | AppliedResponse;
    // The round trip of a response that waited does not measure the network's delay.
    clock.correct(response.serverTime, isWaiting ? clock.wallTime() : sentAt);
    if ('results' in response) onSettled(response);
    else onAccepted(updates.map(({ counter }) => counter));
  }

  /** The server rejects a batch as a whole. It names the invalid updates, or they are found by halving the batch. */
  #rejectInvalid(updates: readonly SentUpdate[], error: RequestError): void {
    const { outbox } = this.#deps;
    const invalid = (error.errors ?? []).flatMap(({ path, message }) => {
      const update = updates[toIndex(path) ?? -1];
      const reason = `${path.replace(updatePath, '')} ${message}`.trim();
      return update ? [{ counter: update.counter, reason }] : [];
    });
    const [only, ...others] = updates;
    if (invalid.length > 0) for (const { counter, reason } of invalid) outbox.refuse(counter, reason);
    else if (only && others.length === 0) outbox.refuse(only.counter, error.message);
    else this.#batchSize = Math.ceil(updates.length / 2);
  }
}

/** The index of the update that a path of the request's body belongs to. */
function toIndex(path: string): number | undefined {
  const [, index] = updatePath.exec(path) ?? [];
  return index === undefined ? undefined : Number(index);
}

/** Whether the content of the request is at fault, so that the same updates can never succeed. */
function isContentError({ status, code }: RequestError): boolean {
  return status === 413 || (status === 400 && code !== 'internal');
}

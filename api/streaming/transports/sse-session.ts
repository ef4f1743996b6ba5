/** One stream of Server-Sent Events: the same messages as a WebSocket's, one way only. */
import type { ServerResponse } from 'node:http';
import { toProblem } from '../../../shared/contract/problem.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { encodeMessage, type StreamMessage } from '../stream-message.ts';
import type { Listener } from '../subscriber.ts';
import { presentAs, type StreamDeps, type StreamRequest } from './session-deps.ts';
import type { OpenStream } from './stream-registry.ts';
import { ExpiryTimer } from './token-expiry-timer.ts';

const keepAliveEveryMs = 15_000;
const heartbeatEveryMs = 10_000;
const keepAlive = ': still here\n\n';
const firstRetryMs = 1000;

interface EventSessionOptions extends Pick<StreamDeps, 'hub' | 'presence' | 'streams'> {
  readonly response: ServerResponse;
  readonly request: StreamRequest;
  readonly log: Pick<Logger, 'info'>;
}

/** Writes to a response whose head has been sent. */
export class EventSession implements Listener, OpenStream {
  readonly transport = 'sse';
  readonly #options: EventSessionOptions;
  readonly #response: ServerResponse;
  readonly #field: FieldId;
  readonly #present: string;
  readonly #expiry = new ExpiryTimer(() => this.close());
  readonly #openedAt = Date.now();
  #keptAliveAt = Date.now();
  #heardAt = Date.now();

  constructor(options: EventSessionOptions) {
    const { response, request, hub, presence, streams } = options;
    this.#options = options;
    this.#response = response;
    this.#field = request.field;
    this.#present = presentAs(request.claims);
    response.write(`retry: ${firstRetryMs}\n\n`);
    this.#expiry.set(request.claims.exp * 1000);
    presence.touch(this.#field, this.#present);
    streams.add(this);
    const leave = hub.join({ field: this.#field, listener: this, after: request.after });
    response.on('error', () => undefined);
    response.on('close', () => this.#end(leave));
  }

  send(message: StreamMessage): void {
    if (this.#response.writable) this.#response.write(message.event);
  }

  bufferedBytes(): number {
    return this.#response.writableLength;
  }

  /** There are no close codes here: the client reconnects, and learns from the answer why it may not. */
  close(): void {
    this.#response.end();
  }

  get claims(): Claims {
    return this.#options.request.claims;
  }

  revoke(): void {
    this.send(encodeMessage({ type: 'error', problem: toProblem(new FieldError('token_revoked')) }));
    this.close();
  }

  terminate(): void {
    this.#response.destroy();
  }

  sayGoodbye(retryAfter: number): void {
    this.send(encodeMessage({ type: 'bye', reason: 'restart', retryAfter }));
    if (this.#response.writable) this.#response.end(`retry: ${retryAfter * 1000}\n\n`);
  }

  tick(now: number): void {
    if (now - this.#heardAt >= heartbeatEveryMs) {
      this.#heardAt = now;
      this.#options.presence.touch(this.#field, this.#present);
    }
    if (now - this.#keptAliveAt < keepAliveEveryMs) return;
    this.#keptAliveAt = now;
    if (this.#response.writable) this.#response.write(keepAlive);
  }

  #end(leave: () => void): void {
    this.#expiry.clear();
    leave();
    this.#options.streams.remove(this);
    const durationMs = Date.now() - this.#openedAt;
    this.#options.log.info({ field: this.#field, durationMs }, 'event stream closed');
  }
}

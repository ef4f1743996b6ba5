/** One stream of Server-Sent Events: the messages that a WebSocket would carry, from the server to the client only. */
import type { ServerResponse } from 'node:http';
import { toProblem } from '../../../shared/contract/problem.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import type { PresenceSession } from '../../presence/presence.ts';
import type { Subscription } from '../stream-hub.ts';
import { encodeMessage, type StreamMessage } from '../stream-message.ts';
import type { MessageSink } from '../subscriber.ts';
import type { SessionDeps, StreamRequest } from './session-deps.ts';
import type { StreamSession } from './stream-registry.ts';
import { TokenExpiryTimer } from './token-expiry-timer.ts';

const keepAliveIntervalMs = 15_000;
const heartbeatIntervalMs = 10_000;
const keepAliveComment = ': keep-alive\n\n';
const initialRetryMs = 1000;

interface SseSessionDeps extends Pick<SessionDeps, 'hub' | 'presence' | 'streams'> {
  readonly response: ServerResponse;
  readonly request: StreamRequest;
  readonly log: Pick<Logger, 'info'>;
}

/** Writes to a response whose headers have already been sent. */
export class SseSession implements MessageSink, StreamSession {
  readonly transport = 'sse';
  readonly #deps: SseSessionDeps;
  readonly #response: ServerResponse;
  readonly #field: FieldId;
  readonly #presence: PresenceSession;
  readonly #expiryTimer = new TokenExpiryTimer(() => this.close());
  readonly #openedAt = performance.now();
  #lastKeepAliveAt = performance.now();
  #lastHeartbeatAt = performance.now();

  constructor(deps: SseSessionDeps) {
    const { response, request, hub, presence, streams } = deps;
    this.#deps = deps;
    this.#response = response;
    this.#field = request.field;
    response.write(`retry: ${initialRetryMs}\n\n`);
    this.#expiryTimer.set(request.claims.exp * 1000);
    const { device, sub: user } = request.claims;
    this.#presence = presence.join(this.#field, { device, user });
    streams.add(this);
    const { after, region } = request;
    const subscription = hub.subscribe({ field: this.#field, sink: this, after, region, device });
    response.on('error', () => undefined); // `close` follows.
    response.on('close', () => this.#handleClose(subscription));
  }

  send(message: StreamMessage): void {
    if (this.#response.writable) this.#response.write(message.event);
  }

  bufferedBytes(): number {
    return this.#response.writableLength;
  }

  /** Server-Sent Events have no close codes: the client reconnects, and the response says why it is refused. */
  close(): void {
    this.#response.end();
  }

  get ip(): string {
    return this.#deps.request.ip;
  }

  get claims(): Claims {
    return this.#deps.request.claims;
  }

  revoke(): void {
    this.send(encodeMessage({ type: 'error', problem: toProblem(new FieldError('token_revoked')) }));
    this.close();
  }

  terminate(): void {
    this.#response.destroy();
  }

  closeForRestart(retryAfter: number): void {
    this.send(encodeMessage({ type: 'bye', reason: 'restart', retryAfter }));
    if (this.#response.writable) this.#response.end(`retry: ${retryAfter * 1000}\n\n`);
  }

  tick(now: number): void {
    if (now - this.#lastHeartbeatAt >= heartbeatIntervalMs) {
      this.#lastHeartbeatAt = now;
      // The client sends nothing. That it has acknowledged everything shows that it is still there.
      if (this.#response.writableLength === 0) this.#presence.heard();
    }
    if (now - this.#lastKeepAliveAt < keepAliveIntervalMs) return;
    this.#lastKeepAliveAt = now;
    if (this.#response.writable) this.#response.write(keepAliveComment);
  }

  #handleClose(subscription: Subscription): void {
    this.#expiryTimer.clear();
    subscription.end();
    this.#presence.leave();
    this.#deps.streams.remove(this);
    const durationMs = Math.round(performance.now() - this.#openedAt);
    this.#deps.log.info({ field: this.#field, durationMs }, 'event stream closed');
  }
}

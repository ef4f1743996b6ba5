/**
 * One WebSocket: sends the field's messages, handles those of the client in order, and closes when the token expires.
 * The constructor attaches all handlers synchronously: a message that arrives before that would be lost.
 */
import type { RawData, WebSocket } from 'ws';
import { toProblem } from '../../../shared/contract/problem.ts';
import type { ServerMessage } from '../../../shared/contract/stream.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import { closeCodes } from '../../../shared/contract/wire.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { assertAccess } from '../../auth/field-auth.ts';
import { toFieldError } from '../../http/problem-response.ts';
import { encodeMessage, type StreamMessage } from '../stream-message.ts';
import type { MessageSink } from '../subscriber.ts';
import type { ParseClientMessage } from './client-messages.ts';
import { presenceId, type SessionDeps, type StreamRequest } from './session-deps.ts';
import type { StreamSession } from './stream-registry.ts';
import { TokenBucket } from './token-bucket.ts';
import { TokenExpiryTimer } from './token-expiry-timer.ts';

const pingIntervalMs = 25_000;
const heartbeatIntervalMs = 10_000;
const messageRateLimit = { capacity: 200, perSecond: 100 };
/** Above this size of unhandled messages, reading from the socket is paused. */
const maxPendingBytes = 1024 * 1024;
/** Added to the length of each message, for the memory that parsing and handling it takes. */
const messageOverheadBytes = 16 * 1024;
const closeGraceMs = 5000;

interface WebSocketSessionDeps extends SessionDeps {
  readonly socket: WebSocket;
  readonly request: StreamRequest;
  readonly parse: ParseClientMessage;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

export class WebSocketSession implements MessageSink, StreamSession {
  readonly transport = 'websocket';
  readonly #deps: WebSocketSessionDeps;
  readonly #socket: WebSocket;
  readonly #field: FieldId;
  #claims: Claims;
  readonly #expiryTimer = new TokenExpiryTimer(() => this.close(closeCodes.tokenExpired, 'token expired'));
  readonly #bucket = new TokenBucket(messageRateLimit, performance.now());
  readonly #openedAt = performance.now();
  readonly #unsubscribe: () => void;
  #inbox: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #lastPingAt = performance.now();
  #lastHeartbeatAt = performance.now();
  #isAlive = true;

  constructor(deps: WebSocketSessionDeps) {
    const { socket, request, hub, presence, streams } = deps;
    this.#deps = deps;
    this.#socket = socket;
    this.#field = request.field;
    this.#claims = request.claims;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('close', (code) => this.#handleClose(code));
    this.#expiryTimer.set(request.claims.exp * 1000);
    presence.touch(this.#field, presenceId(this.#claims));
    streams.add(this);
    this.#unsubscribe = hub.subscribe({ field: this.#field, sink: this, after: request.after });
  }

  send(message: StreamMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(message.text, { binary: false });
  }

  bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Terminates the connection if the peer does not answer the close frame within `closeGraceMs`. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), closeGraceMs).unref();
  }

  get claims(): Claims {
    return this.#claims;
  }

  revoke(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#sendError(new FieldError('token_revoked'));
    this.close(closeCodes.forbidden, 'token revoked');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  closeForRestart(retryAfter: number): void {
    this.#send({ type: 'bye', reason: 'restart', retryAfter });
    this.close(closeCodes.restart, 'restart');
  }

  tick(now: number): void {
    if (now - this.#lastHeartbeatAt >= heartbeatIntervalMs) {
      this.#lastHeartbeatAt = now;
      this.#deps.presence.touch(this.#field, presenceId(this.#claims));
    }
    if (now - this.#lastPingAt < pingIntervalMs) return;
    if (!this.#isAlive) {
      this.terminate();
      return;
    }
    this.#isAlive = false;
    this.#lastPingAt = now;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #send(message: ServerMessage): void {
    this.send(encodeMessage(message));
  }

  /** Handles messages one after the other, so that a device's updates reach the queue in the order of its counters. */
  #receive(data: RawData, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#isAlive = true;
    if (!this.#bucket.tryConsume(performance.now())) {
      this.close(closeCodes.badMessage, 'too many messages');
      return;
    }
    const text = data.toString();
    const bytes = text.length + messageOverheadBytes;
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > maxPendingBytes) this.#socket.pause();
    this.#inbox = this.#inbox.then(async () => {
      await this.#handleMessage(text, isBinary);
      this.#pendingBytes -= bytes;
      if (this.#pendingBytes <= maxPendingBytes && this.#socket.isPaused) this.#socket.resume();
    });
  }

  async #handleMessage(text: string, isBinary: boolean): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    try {
      if (isBinary) throw new FieldError('bad_request', { detail: 'Messages must be text' });
      const message = this.#deps.parse(text);
      if (message.type === 'update') await this.#acceptUpdates(message.updates);
      else if (message.type === 'token') await this.#renewToken(message.token);
      else this.#send({ type: 'pong', serverTime: this.#deps.clock.now() });
    } catch (error) {
      this.#sendError(toFieldError(error));
    }
  }

  async #acceptUpdates(updates: Parameters<SessionDeps['acceptUpdates']>[0]['updates']): Promise<void> {
    const accepted = await this.#deps.acceptUpdates({ field: this.#field, claims: this.#claims, updates });
    const { serverTime, durability, adjusted } = accepted;
    this.#send({
      type: 'accepted',
      counters: updates.map(({ counter }) => counter),
      serverTime,
      durability,
      ...(adjusted ? { adjusted } : {}),
    });
  }

  async #renewToken(token: string): Promise<void> {
    try {
      const claims = await this.#deps.verifyToken(token);
      assertAccess(claims, 'field:read', this.#field);
      if (claims.device !== this.#claims.device) {
        throw new FieldError('forbidden', { detail: 'The token is for another device' });
      }
      this.#claims = claims;
      this.#expiryTimer.set(claims.exp * 1000);
    } catch (error) {
      const fieldError = toFieldError(error);
      this.#sendError(fieldError);
      const code = fieldError.code === 'token_expired' ? closeCodes.tokenExpired : closeCodes.forbidden;
      this.close(code, 'token refused');
    }
  }

  #sendError(error: FieldError): void {
    this.#deps.metrics.refused.inc({ code: error.code });
    if (error.code === 'internal')
      this.#deps.log.error({ err: error.cause, field: this.#field }, 'WebSocket message failed');
    this.#send({ type: 'error', problem: toProblem(error) });
  }

  #handleClose(code: number): void {
    this.#expiryTimer.clear();
    this.#unsubscribe();
    this.#deps.streams.remove(this);
    const { device, sub } = this.#claims;
    const durationMs = Math.round(performance.now() - this.#openedAt);
    this.#deps.log.info({ field: this.#field, device, user: sub, code, durationMs }, 'WebSocket closed');
  }
}

/**
 * One WebSocket: what it is sent, what it says, and how long it may stay. Its handlers are attached at once, since a
 * client may speak before the server has found its footing.
 */
import type { RawData, WebSocket } from 'ws';
import { toProblem } from '../../../shared/contract/problem.ts';
import type { ServerMessage } from '../../../shared/contract/stream.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import { closeCodes } from '../../../shared/contract/wire.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { checkAccess } from '../../auth/field-auth.ts';
import { toFieldError } from '../../problems.ts';
import { encodeMessage, type StreamMessage } from '../stream-message.ts';
import type { Listener } from '../subscriber.ts';
import type { ParseClientMessage } from './client-messages.ts';
import { presentAs, type StreamDeps, type StreamRequest } from './session-deps.ts';
import type { OpenStream } from './stream-registry.ts';
import { TokenBucket } from './token-bucket.ts';
import { ExpiryTimer } from './token-expiry-timer.ts';

const pingEveryMs = 25_000;
const heartbeatEveryMs = 10_000;
const flood = { capacity: 200, perSecond: 100 };
/** What may wait for its turn before the socket is read no further. */
const maxPendingBytes = 1024 * 1024;
/** Counted for each message beside its own length. */
const messageOverheadBytes = 16 * 1024;
const closeGraceMs = 5000;

interface SessionOptions extends StreamDeps {
  readonly socket: WebSocket;
  readonly request: StreamRequest;
  readonly parse: ParseClientMessage;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

export class SocketSession implements Listener, OpenStream {
  readonly transport = 'websocket';
  readonly #options: SessionOptions;
  readonly #socket: WebSocket;
  readonly #field: FieldId;
  #claims: Claims;
  readonly #expiry = new ExpiryTimer(() => this.close(closeCodes.tokenExpired, 'token expired'));
  readonly #bucket = new TokenBucket(flood, Date.now());
  readonly #openedAt = Date.now();
  readonly #leave: () => void;
  #turn: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #pingedAt = Date.now();
  #heardAt = Date.now();
  #isAlive = true;

  constructor(options: SessionOptions) {
    const { socket, request, hub, presence, streams } = options;
    this.#options = options;
    this.#socket = socket;
    this.#field = request.field;
    this.#claims = request.claims;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('close', (code) => this.#end(code));
    this.#expiry.set(request.claims.exp * 1000);
    presence.touch(this.#field, presentAs(this.#claims));
    streams.add(this);
    this.#leave = hub.join({ field: this.#field, listener: this, after: request.after });
  }

  send(message: StreamMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(message.text, { binary: false });
  }

  bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** A peer that does not answer the close in time is cut off. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), closeGraceMs).unref();
  }

  get claims(): Claims {
    return this.#claims;
  }

  revoke(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#refuse(new FieldError('token_revoked'));
    this.close(closeCodes.forbidden, 'token revoked');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  sayGoodbye(retryAfter: number): void {
    this.#say({ type: 'bye', reason: 'restart', retryAfter });
    this.close(closeCodes.restart, 'restart');
  }

  tick(now: number): void {
    if (now - this.#heardAt >= heartbeatEveryMs) {
      this.#heardAt = now;
      this.#options.presence.touch(this.#field, presentAs(this.#claims));
    }
    if (now - this.#pingedAt < pingEveryMs) return;
    if (!this.#isAlive) {
      this.terminate();
      return;
    }
    this.#isAlive = false;
    this.#pingedAt = now;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #say(message: ServerMessage): void {
    this.send(encodeMessage(message));
  }

  /** One after the other, so that a device's updates reach the queue in its own order. */
  #receive(data: RawData, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#isAlive = true;
    if (!this.#bucket.take(Date.now())) {
      this.close(closeCodes.badMessage, 'too many messages');
      return;
    }
    const text = data.toString();
    const bytes = text.length + messageOverheadBytes;
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > maxPendingBytes) this.#socket.pause();
    this.#turn = this.#turn.then(async () => {
      await this.#answer(text, isBinary);
      this.#pendingBytes -= bytes;
      if (this.#pendingBytes <= maxPendingBytes && this.#socket.isPaused) this.#socket.resume();
    });
  }

  async #answer(text: string, isBinary: boolean): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    try {
      if (isBinary) throw new FieldError('bad_request', { detail: 'Messages are text' });
      const message = this.#options.parse(text);
      if (message.type === 'update') await this.#accept(message.updates);
      else if (message.type === 'token') await this.#renew(message.token);
      else this.#say({ type: 'pong', serverTime: Date.now() });
    } catch (error) {
      this.#refuse(toFieldError(error));
    }
  }

  async #accept(updates: Parameters<StreamDeps['acceptUpdates']>[0]['updates']): Promise<void> {
    const accepted = await this.#options.acceptUpdates({ field: this.#field, claims: this.#claims, updates });
    const { serverTime, durability, adjusted } = accepted;
    this.#say({
      type: 'accepted',
      counters: updates.map(({ counter }) => counter),
      serverTime,
      durability,
      ...(adjusted ? { adjusted } : {}),
    });
  }

  async #renew(token: string): Promise<void> {
    try {
      const claims = await this.#options.verifyToken(token);
      checkAccess(claims, 'field:read', this.#field);
      if (claims.device !== this.#claims.device) {
        throw new FieldError('forbidden', { detail: 'The token is for another device' });
      }
      this.#claims = claims;
      this.#expiry.set(claims.exp * 1000);
    } catch (error) {
      const refusal = toFieldError(error);
      this.#refuse(refusal);
      const code = refusal.code === 'token_expired' ? closeCodes.tokenExpired : closeCodes.forbidden;
      this.close(code, 'token refused');
    }
  }

  #refuse(error: FieldError): void {
    this.#options.metrics.refused.inc({ code: error.code });
    if (error.code === 'internal') this.#options.log.error({ err: error.cause, field: this.#field }, 'message failed');
    this.#say({ type: 'error', problem: toProblem(error) });
  }

  #end(code: number): void {
    this.#expiry.clear();
    this.#leave();
    this.#options.streams.remove(this);
    const { device, sub } = this.#claims;
    const durationMs = Date.now() - this.#openedAt;
    this.#options.log.info({ field: this.#field, device, user: sub, code, durationMs }, 'socket closed');
  }
}

/**
 * One WebSocket: sends the field's messages, handles those of the client in order, and closes when the token expires.
 * The constructor attaches all handlers synchronously: a message that arrives before that would be lost.
 */
import type { RawData, WebSocket } from 'ws';
import type { PresenceData, ServerMessage } from '../../../shared/contract/messages.ts';
import { toProblem } from '../../../shared/contract/problem.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import { closeCodes, computeSizePoints, deflateProtocol } from '../../../shared/contract/wire.ts';
import { errorTable, FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Region } from '../../../shared/field/math/region.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { createOverloadedError } from '../../admission/admission-control.ts';
import { assertAccess, authorizeWriter } from '../../auth/field-auth.ts';
import { toFieldError } from '../../http/problem-response.ts';
import type { PresenceSession } from '../../presence/presence.ts';
import { createCaller } from '../../rate-limits/caller.ts';
import type { Subscription } from '../stream-hub.ts';
import { encodeMessage, type StreamMessage } from '../stream-message.ts';
import type { MessageSink } from '../subscriber.ts';
import type { ParseClientMessage } from './client-messages.ts';
import { KeepAlive } from './keep-alive.ts';
import { MessageInbox } from './message-inbox.ts';
import type { SessionDeps, StreamRequest } from './session-deps.ts';
import type { StreamSession } from './stream-registry.ts';
import { TokenBucket } from './token-bucket.ts';
import { TokenExpiryTimer } from './token-expiry-timer.ts';

/** A client that answers the pings is heard often enough to stay present. */
const pingAfterMs = 20_000;
export const messageRateLimit = { capacity: 200, perSecond: 100 };
/** Tolerates occasional refusals, as of an outdated client, but not a client that keeps sending refused messages. */
export const refusalRateLimit = { capacity: 10, perSecond: 0.1 };
/** Points of the user's budget for updates, in addition to those for the size of the message. */
const refusalPoints = 5;
const presencePoints = 1;
/** Points of the user's budget for reads. */
const regionPoints = 1;
/** Updates that have waited for longer are refused: clients give a message up after 10 s, and send its updates again. */
const maxWaitMs = 5000;
const closeGraceMs = 5000;
const floodGraceMs = 2000;

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
  readonly #subscription: Subscription;
  readonly #presence: PresenceSession;
  readonly #refusals = new TokenBucket(refusalRateLimit, performance.now());
  readonly #inbox: MessageInbox;
  readonly #keepAlive = new KeepAlive(pingAfterMs, performance.now());
  /** How many messages have arrived. Errors refer to messages by number, because a refused one may not be parseable. */
  #messageCount = 0;

  constructor(deps: WebSocketSessionDeps) {
    const { socket, request, hub, presence, streams } = deps;
    this.#deps = deps;
    this.#socket = socket;
    this.#field = request.field;
    this.#claims = request.claims;
    const { turns, unhandled } = deps;
    const { user: payer } = createCaller(request.claims, request.ip);
    this.#inbox = new MessageInbox({
      ...{ socket, user: payer, turns, unhandled },
      handle: (data, messageNumber, waitedMs) => this.#handleMessage(data, messageNumber, waitedMs),
    });
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    // `ws` answers pings by itself. They count like messages, because each costs as much to receive.
    socket.on('ping', () => this.#countMessage());
    socket.on('pong', () => this.#countMessage());
    socket.on('close', (code) => this.#handleClose(code));
    this.#expiryTimer.set(request.claims.exp * 1000);
    const { device, sub: user } = request.claims;
    this.#presence = presence.join(this.#field, { device, user });
    streams.add(this);
    const { after, region } = request;
    this.#subscription = hub.subscribe({ field: this.#field, sink: this, after, region, device });
  }

  send(message: StreamMessage): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#keepAlive.sent(performance.now());
    const compressed = this.acceptsCompression ? message.compressed : undefined;
    this.#socket.send(compressed ?? message.text, { binary: compressed !== undefined });
  }

  get acceptsCompression(): boolean {
    return this.#socket.protocol === deflateProtocol;
  }

  bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Terminates the connection if the peer does not answer the close frame within `closeGraceMs`. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), closeGraceMs).unref();
  }

  get ip(): string {
    return this.#deps.request.ip;
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
    const step = this.#keepAlive.next(now);
    if (step === 'terminate') this.terminate();
    else if (step === 'ping' && this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #send(message: ServerMessage): void {
    this.send(encodeMessage(message));
  }

  /** Handles messages one after the other, so that a device's updates reach the queue in the order of its counters. */
  #receive(data: RawData, isBinary: boolean): void {
    if (!this.#countMessage()) return;
    this.#messageCount += 1;
    const number = this.#messageCount;
    if (isBinary) this.#refuse(new FieldError('bad_request', { detail: 'Messages must be text' }), number);
    // `ws` delivers other types than buffers only if it is configured to.
    else if (!this.#inbox.push(data as Buffer, number))
      this.#refuse(createOverloadedError('unhandledMessages'), number);
  }

  /** Counts anything that the client has sent, and closes the socket on a flood. @returns whether it may be handled */
  #countMessage(): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    const now = performance.now();
    this.#keepAlive.heard(now);
    this.#presence.heard();
    if (this.#bucket.tryConsume(now)) return true;
    this.#closeFlood('too many messages');
    return false;
  }

  /** Drops all further messages. The client gets less time to close the connection than others do. */
  #closeFlood(reason: string): void {
    this.close(closeCodes.badMessage, reason);
    setTimeout(() => this.#socket.terminate(), floodGraceMs).unref();
  }

  async #handleMessage(data: Buffer, messageNumber: number, waitedMs: number): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const { parse, limits, clock } = this.#deps;
    try {
      limits.updates.consume(createCaller(this.#claims, this.ip), computeSizePoints(data.length));
      const message = await parse(data.toString(), () => authorizeWriter(this.#claims, this.#field, this.ip));
      if (message.type === 'update' && waitedMs > maxWaitMs) throw createOverloadedError('admissionWait');
      if (message.type === 'update') await this.#acceptUpdates(message.updates);
      else if (message.type === 'token') await this.#renewToken(message.token, messageNumber);
      else if (message.type === 'presence') this.#showPresence(message.data);
      else if (message.type === 'region') this.#changeRegion(message.region);
      else this.#send({ type: 'pong', serverTime: clock.now() });
    } catch (error) {
      this.#refuse(toFieldError(error), messageNumber);
    }
  }

  /** Answers a message with an error. If a retry cannot succeed, it costs points, and repeated errors close the socket. */
  #refuse(error: FieldError, messageNumber: number): void {
    this.#sendError(error, messageNumber);
    if (errorTable[error.code].retry) return;
    this.#deps.limits.updates.consumeUpTo(createCaller(this.#claims, this.ip), refusalPoints);
    if (!this.#refusals.tryConsume(performance.now())) this.#closeFlood('too many refused messages');
  }

  async #acceptUpdates(updates: Parameters<SessionDeps['acceptMessage']>[0]['updates']): Promise<void> {
    const accepted = await this.#deps.acceptMessage({ field: this.#field, claims: this.#claims, ip: this.ip, updates });
    const { serverTime, durability, adjusted } = accepted;
    this.#send({
      type: 'accepted',
      counters: updates.map(({ counter }) => counter),
      serverTime,
      durability,
      ...(adjusted ? { adjusted } : {}),
    });
  }

  /** Requires write access, because all readers of the field see it. */
  #showPresence(data: PresenceData): void {
    const { caller } = authorizeWriter(this.#claims, this.#field, this.ip);
    this.#deps.limits.updates.consume(caller, presencePoints);
    this.#presence.show(data);
  }

  /** Costs as much as reading the state, because the answer is a snapshot. */
  #changeRegion(region: Region | null): void {
    this.#deps.limits.reads.consume(createCaller(this.#claims, this.ip), regionPoints);
    this.#subscription.changeRegion(region ?? undefined);
  }

  async #renewToken(token: string, messageNumber: number): Promise<void> {
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
      this.#sendError(fieldError, messageNumber);
      const code = fieldError.code === 'token_expired' ? closeCodes.tokenExpired : closeCodes.forbidden;
      this.close(code, 'token refused');
    }
  }

  #sendError(error: FieldError, messageNumber?: number): void {
    this.#deps.metrics.refused.inc({ code: error.code });
    if (error.code === 'internal')
      this.#deps.log.error({ err: error.cause, field: this.#field }, 'WebSocket message failed');
    this.#send({ type: 'error', problem: toProblem(error), ...(messageNumber === undefined ? {} : { messageNumber }) });
  }

  #handleClose(code: number): void {
    this.#expiryTimer.clear();
    this.#subscription.end();
    this.#presence.leave();
    this.#deps.streams.remove(this);
    const { device, sub } = this.#claims;
    const durationMs = Math.round(performance.now() - this.#openedAt);
    this.#deps.log.info({ field: this.#field, device, user: sub, code, durationMs }, 'WebSocket closed');
  }
}

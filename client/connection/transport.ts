/** The interface of a transport: one connection that delivers the messages of a field. */
import type { ClientMessage, ServerMessage, State } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import { parseJson } from '../parse-json.ts';
import type { TransportName } from '../types.ts';
import { type HttpRequest, RequestError } from './http.ts';

export interface TransportOptions {
  /** The field's URL. */
  readonly url: string;
  readonly token: string;
  /** The cursor of the state that the client has. */
  readonly cursor: () => Cursor;
  /** Whether the server has lost updates that the client would then send again. @param next the cursor of a state that was just read */
  readonly isHistoryBroken:
    | ((next: Cursor, access: Pick<HttpRequest, 'token' | 'signal'>) => Promise<boolean>)
    | undefined;
  /** The part of the field to watch, as `region=x0,y0,x1,y1`; empty for all of it. */
  readonly region: () => string;
  /** The state of the field before its first update. */
  readonly emptyState: () => State;
  readonly clock: HybridClock;
  /** Called once, when the server has accepted the connection. */
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
}

/**
 * Why a transport ended.
 * - `closed`: the connection broke or timed out, or the server is restarting
 * - `expired`: the server rejected the token; another one may be accepted
 * - `forbidden`: this device has no access to the field
 * - `blocked`: the connection was never established, for example because a proxy blocks WebSockets, or the state did not arrive on
 *   it
 */
export interface TransportEnd {
  readonly reason: 'closed' | 'expired' | 'forbidden' | 'blocked';
  /** How long the server asks clients to wait before the next attempt. */
  readonly retryAfterMs?: number;
  readonly message?: string;
}

export interface Transport {
  readonly name: TransportName;
  readonly ended: Promise<TransportEnd>;
  /** Checks that the connection is alive; it ends if nothing arrives within the time. */
  probe(timeoutMs: number): void;
  /** @returns the number of the message on this transport: 1 for the first; 0 when it cannot be sent */
  send(message: ClientMessage): number;
  close(): void;
}

/**
 * Messages are not validated: schemas would be larger than the rest of the client, and the server's tests check its messages
 * against the contract. Text that is not a message is ignored; a delta lost that way is detected as a gap between cursors.
 */
export function parseMessage(text: string): ServerMessage | undefined {
  const message = parseJson<ServerMessage>(text);
  return message?.type === undefined ? undefined : (message as ServerMessage);
}

/** Maps the error of a request to the reason why a transport ended. */
export function toTransportEnd(error: unknown): TransportEnd {
  if (!(error instanceof RequestError)) return { reason: 'closed', message: String(error) };
  const { status, message, retryAfterMs } = error;
  return { reason: status === 401 ? 'expired' : status === 403 ? 'forbidden' : 'closed', message, retryAfterMs };
}

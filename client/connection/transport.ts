/** One way to follow a field, from its opening to its end. */
import type { ServerMessage } from '../../shared/contract/stream.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import { parseJson } from '../parse-json.ts';
import type { TransportName } from '../types.ts';
import { RequestError } from './http.ts';

export interface TransportOptions {
  /** Of the field. */
  readonly url: string;
  readonly token: string;
  /** The version that is held here. */
  readonly version: () => number;
  readonly clock: HybridClock;
  /** It is through: messages come. */
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
}

/**
 * Why it ended.
 * - `closed`: broken, silent, or the server is going; to be opened again
 * - `expired`: the token was not taken; with another it may be
 * - `forbidden`: this device may not
 * - `blocked`: this way does not exist here
 */
export interface TransportEnd {
  readonly reason: 'closed' | 'expired' | 'forbidden' | 'blocked';
  /** How long the server wants to be left alone. */
  readonly retryAfterMs?: number;
  readonly message?: string;
}

export interface Transport {
  readonly name: TransportName;
  readonly ended: Promise<TransportEnd>;
  /** Makes sure within that time that somebody is there; ends if not. */
  probe(timeoutMs: number): void;
  /** Hands over the next token; false when only a new connection can bring it. */
  renew(token: string): boolean;
  close(): void;
}

/**
 * The server is trusted to keep to the contract, which its own tests hold it to; schemas would cost more than all the rest
 * here. What is not JSON, or of a type that a later server may bring, is passed over: a gap that it leaves is noticed.
 */
export function parseMessage(text: string): ServerMessage | undefined {
  const message = parseJson<ServerMessage>(text);
  return message?.type === undefined ? undefined : (message as ServerMessage);
}

/** What an error of a plain request means for the stream. */
export function toTransportEnd(error: unknown): TransportEnd {
  if (!(error instanceof RequestError)) return { reason: 'closed', message: String(error) };
  const { status, message, retryAfterMs } = error;
  return { reason: status === 401 ? 'expired' : status === 403 ? 'forbidden' : 'closed', message, retryAfterMs };
}

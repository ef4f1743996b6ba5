/** What a kind of bad input makes, and what may come of it. */
import type { Random } from '../unit/field/support/seeded-random.ts';

export interface HttpAttempt {
  readonly way: 'http';
  readonly bytes: Buffer;
  /**
   * `kept`: one request on a connection that goes on. `own`: on a connection of its own, read to its end, so that a second
   * answer would be seen. `broken-off`: the same, but we end our side at once.
   */
  readonly connection: 'kept' | 'own' | 'broken-off';
  /** The server may end the connection without a word. */
  readonly mayBeCut?: boolean;
}

/** Whole messages over a WebSocket; each is answered with an error, or with the end of the socket. */
export interface MessagesAttempt {
  readonly way: 'messages';
  readonly messages: readonly (string | Buffer)[];
  /** Sent without waiting for answers: a single thing that must end the socket. */
  readonly isFlood?: boolean;
}

/** Bytes that are no proper frames, after a proper upgrade; they must end the socket. */
export interface FramesAttempt {
  readonly way: 'frames';
  readonly bytes: Buffer;
}

export type Attempt = HttpAttempt | MessagesAttempt | FramesAttempt;

/** What the attacker has: a token of its own that is good, for fields that nobody has ever written to. */
export interface Attacker {
  readonly token: string;
  readonly secret: string;
  readonly field: string;
}

export interface Kind {
  readonly name: string;
  /** How often, compared with the others. */
  readonly weight: number;
  /** The statuses that an answer may have. */
  readonly allows: (status: number) => boolean;
  make(random: Random, attacker: Attacker): Attempt;
}

/** Refused for what it is, and not because there was too much of it. */
export const isRefusal = (status: number) => status >= 400 && status < 500 && status !== 429;

/** An attempt to break the server with invalid input, and the responses that are allowed. */
import type { Random } from '../unit/field/support/seeded-random.ts';

export interface HttpAttempt {
  readonly transport: 'http';
  readonly bytes: Buffer;
  /**
   * `kept`: on a reused connection. `own`: on a separate connection that is read to its end, so that a second response is
   * detected. `broken-off`: like `own`, but the client half-closes the connection immediately.
   */
  readonly connection: 'kept' | 'own' | 'broken-off';
  /** The server may close the connection without a response. */
  readonly mayBeCut?: boolean;
}

/** Complete messages over a WebSocket. The server must respond to each with an error or close the socket. */
export interface MessagesAttempt {
  readonly transport: 'messages';
  readonly messages: readonly (string | Buffer)[];
  /** The messages are sent without waiting for responses, and the server must close the socket. */
  readonly isFlood?: boolean;
}

/** Invalid frames after a valid upgrade. The server must close the socket. */
export interface FramesAttempt {
  readonly transport: 'frames';
  readonly bytes: Buffer;
}

type Attempt = HttpAttempt | MessagesAttempt | FramesAttempt;

/** The attacker's credentials: a valid token for fields without updates. */
export interface Attacker {
  readonly token: string;
  readonly secret: string;
  readonly field: string;
}

export interface Kind {
  readonly name: string;
  /** Frequency relative to the other kinds. */
  readonly weight: number;
  /** Whether a response may have this status. */
  readonly allows: (status: number) => boolean;
  make(random: Random, attacker: Attacker): Attempt;
}

/** A rejection because of the content, not because of a rate limit. */
const isRejection = (status: number) => status >= 400 && status < 500 && status !== 429;

/** A kind of input that the server must always reject. */
export function rejectedKind(name: string, weight: number, make: Kind['make']): Kind {
  return { name, weight, make, allows: isRejection };
}

/**
 * Sends updates as messages on the open WebSocket. Only one is unanswered at a time, so that an `accepted` always belongs to it; an
 * `error` names it by number. Updates go by POST until a late answer arrives or the socket ends, and while the state is loading.
 */
import type { ServerMessage } from '../../shared/contract/messages.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { Transport } from '../connection/transport.ts';

export type UpdateAnswer = Extract<ServerMessage, { type: 'accepted' | 'error' }>;

/** In characters. A message cannot be aborted, and pings wait behind it, so whatever takes seconds on a slow uplink goes by POST. */
const maxMessageLength = 16_384;
const answerTimeoutMs = 10_000;

interface UnansweredMessage {
  readonly number: number;
  readonly resolve: (answer?: UpdateAnswer) => void;
}

export class UpdateChannel {
  #unanswered: UnansweredMessage | undefined;
  /** The last socket that was used. */
  #socket: Transport | undefined;

  /**
   * @param socket the open one, if there is one
   * @returns undefined if the updates have to be sent by POST, whether they were sent here or not
   */
  async send(socket: Transport | undefined, updates: readonly SentUpdate[]): Promise<UpdateAnswer | undefined> {
    if (!socket || this.#unanswered || JSON.stringify(updates).length > maxMessageLength) return undefined;
    const number = socket.send({ type: 'update', updates });
    if (number === 0) return undefined;
    this.#watch(socket);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = await new Promise<UpdateAnswer | undefined>((resolve) => {
      this.#unanswered = { number, resolve };
      timer = setTimeout(resolve, answerTimeoutMs, undefined);
    });
    clearTimeout(timer);
    return answer;
  }

  /** @returns whether the message answers updates */
  handle(message: ServerMessage): boolean {
    const unanswered = this.#unanswered;
    const isError = message.type === 'error' && message.messageNumber === unanswered?.number;
    if (!unanswered || !(isError || message.type === 'accepted')) return false;
    const status = isError ? message.problem.status : 0;
    // The server closes a socket after several refused messages, so this one sends no more updates after a refusal.
    if (status === 0 || status === 429 || status >= 500) this.#unanswered = undefined;
    // Whether the token may be used is decided by the response to the POST.
    unanswered.resolve(status === 401 || status === 403 ? undefined : message);
    return true;
  }

  /** Waits for the end of each socket once, not for each message. */
  #watch(socket: Transport): void {
    if (socket === this.#socket) return;
    this.#socket = socket;
    void socket.ended.then(() => {
      this.#unanswered?.resolve();
      this.#unanswered = undefined;
    });
  }
}

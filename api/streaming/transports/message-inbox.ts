/**
 * The messages of one socket that wait to be handled: in order, one per turn of the event loop, and bounded. Reading from the
 * socket is paused while too many bytes wait.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { TurnBudget } from './turn-budget.ts';
import type { UnhandledBytes } from './unhandled-bytes.ts';

const maxPendingBytes = 1024 * 1024;
/** Added to the length of each message, for the memory that parsing and handling it takes. */
const messageOverheadBytes = 16 * 1024;

interface MessageInboxDeps {
  readonly socket: Pick<WebSocket, 'pause' | 'resume' | 'isPaused'>;
  readonly user: string;
  readonly turns: TurnBudget;
  readonly unhandled: UnhandledBytes;
  /** Must not reject. @param waitedMs how long the message has waited */
  readonly handle: (data: Buffer, messageNumber: number, waitedMs: number) => Promise<void>;
}

export class MessageInbox {
  readonly #deps: MessageInboxDeps;
  #last: Promise<void> = Promise.resolve();
  #pendingBytes = 0;

  constructor(deps: MessageInboxDeps) {
    this.#deps = deps;
  }

  /** @returns false if too many bytes of the user's messages are waiting; the message is then dropped */
  push(data: Buffer, messageNumber: number): boolean {
    const { socket, user, unhandled } = this.#deps;
    const bytes = data.length + messageOverheadBytes;
    if (!unhandled.tryAdd(user, bytes)) return false;
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > maxPendingBytes) socket.pause();
    const receivedAt = performance.now();
    const handle = () => this.#deps.handle(data, messageNumber, performance.now() - receivedAt);
    this.#last = this.#last.then(() => this.#run(handle, bytes));
    return true;
  }

  async #run(handle: () => Promise<void>, bytes: number): Promise<void> {
    const { socket, user, turns, unhandled } = this.#deps;
    await turns.run(handle);
    unhandled.remove(user, bytes);
    this.#pendingBytes -= bytes;
    if (this.#pendingBytes <= maxPendingBytes && socket.isPaused) socket.resume();
    if (this.#pendingBytes > 0) await nextTurn();
  }
}

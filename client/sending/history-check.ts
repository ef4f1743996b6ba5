/**
 * Finds out whether the server's log still has cursors that the client holds, where no message of the stream shows it: a snapshot
 * may replace the state that contained an own update, or a result may name a version that the state never reaches.
 */
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SendFieldRequest } from '../connection/http.ts';
import { isInLog } from '../connection/log-lookup.ts';

export interface HistoryCheckDeps {
  readonly sendRequest: SendFieldRequest;
  /** The log has all cursors. */
  readonly onConfirmed: (cursors: ReadonlySet<Cursor>) => void;
  /** The log does not have this cursor. */
  readonly onLost: (cursor: Cursor) => void;
  readonly onProblem: (error: unknown) => void;
}

export class HistoryCheck {
  readonly #deps: HistoryCheckDeps;
  #cursors = new Set<Cursor>();
  #isDue = false;
  /** After a loss, results are new; an answer that contradicts them must not make the client send without a pause. */
  #isPaused = false;

  constructor(deps: HistoryCheckDeps) {
    this.#deps = deps;
  }

  /** Whether `run` has something to do. */
  get isDue(): boolean {
    return this.#isDue;
  }

  request(cursors: readonly Cursor[]): void {
    for (const cursor of cursors) this.#cursors.add(cursor);
    if (!this.#isPaused) this.retry();
  }

  /** To be called from time to time: a check that failed, or was requested after a loss, is due again. */
  retry(): void {
    this.#isPaused = false;
    this.#isDue = this.#cursors.size > 0;
  }

  /** The answer is known. */
  cancel(): void {
    this.#cursors = new Set();
    this.#isDue = false;
  }

  /** Never rejects, since updates can be accepted while the log cannot be read. */
  async run(token: string, signal: AbortSignal): Promise<void> {
    if (!this.#isDue) return;
    const { sendRequest, onConfirmed, onLost, onProblem } = this.#deps;
    const cursors = this.#cursors;
    this.#isDue = false;
    try {
      // The loop includes cursors that are added meanwhile.
      for (const cursor of cursors) {
        const isKnown = await isInLog(cursor, sendRequest, { token, signal });
        if (cursors !== this.#cursors) return;
        if (isKnown) continue;
        this.cancel();
        this.#isPaused = true;
        return onLost(cursor);
      }
      this.cancel();
      onConfirmed(cursors);
    } catch (error) {
      if (!signal.aborted) onProblem(error);
    }
  }
}

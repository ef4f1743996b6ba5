/**
 * Checks whether the server's log still has the client's cursors when no message of the stream shows it: a snapshot may replace the
 * state that contained an own update, or a result may name a version that the state never reaches.
 */
import { type Cursor, versionOf } from '../../../shared/field/cursor.ts';
import { type HttpRequest, RequestError, type SendFieldRequest } from '../../connection/http.ts';
import type { AppliedItems } from '../../outbox/applied-items.ts';
import type { ItemStore } from '../../outbox/item-store.ts';
import type { Replica } from '../../state/replica.ts';

/** The field is gone, has another history, or its log does not reach back far enough to tell. */
const unknownCodes: readonly string[] = ['field_not_found', 'cursor_unknown', 'version_not_kept'];

const checkIntervalMs = 10_000;

export interface HistoryCheckDeps {
  readonly sendRequest: SendFieldRequest;
  readonly store: Pick<ItemStore, 'kept'>;
  readonly outbox: { readonly applied: Pick<AppliedItems, 'shown' | 'confirm'> };
  readonly replica: Pick<Replica, 'cursor' | 'version' | 'hasPassed'>;
  /** The log contains updates that the state does not show yet. */
  readonly onConfirmed: () => void;
  /** The server has lost updates. */
  readonly onLost: () => void;
  readonly onProblem: (error: unknown) => void;
}

export class HistoryCheck {
  readonly #deps: HistoryCheckDeps;
  #cursors = new Set<Cursor>();
  #isDue = false;
  /** Set after a loss, so that a server whose answers contradict each other does not make the client resend without a pause. */
  #isPaused = false;
  #sinceCheckMs = 0;

  constructor(deps: HistoryCheckDeps) {
    this.#deps = deps;
  }

  /** Whether cursors are still unchecked, so that the state may not continue the earlier one. */
  get isOpen(): boolean {
    return this.#cursors.size > 0;
  }

  /** Whether `run` has something to do. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /**
   * Requests a check of the results of own updates, up to a version, that the state does not show.
   * @returns whether `run` has something to do
   */
  checkUnproven(maxVersion?: number): boolean {
    const unproven = this.#findUnproven(maxVersion);
    if (unproven.length > 0) this.#request([...unproven, this.#deps.replica.cursor]);
    return unproven.length > 0;
  }

  /** Requests a check after a snapshot from a server that may not have read its log. */
  checkSnapshot(before: Cursor): void {
    const { store, replica } = this.#deps;
    if (store.kept.length > 0) this.#request([before, ...this.#findUnproven(), replica.cursor]);
  }

  /**
   * Whether the log lacks a cursor of the client, whose updates would then be sent again. `next`, of a state just read, needs no
   * check. Results that arrive meanwhile do: they may be of another history, for example from a server that was suspended.
   */
  async isBroken(next: Cursor, access: Pick<HttpRequest, 'token' | 'signal'>): Promise<boolean> {
    const { sendRequest, store, replica } = this.#deps;
    const asked = new Set([next]);
    while (store.kept.length > 0) {
      const claimed = [replica.cursor, ...this.#findUnproven()].find((cursor) => !asked.has(cursor));
      if (claimed === undefined) return false;
      if (!(await isInLog(claimed, sendRequest, access))) return true;
      asked.add(claimed);
    }
    return false;
  }

  /** Cursors of updates, up to a version, that the server's state is not known to contain. */
  #findUnproven(maxVersion = Number.POSITIVE_INFINITY): Cursor[] {
    const cursors = this.#deps.outbox.applied.shown.flatMap(({ entry, proof }) =>
      proof && (entry.version ?? 0) <= maxVersion ? proof : [],
    );
    return [...new Set(cursors)];
  }

  #request(cursors: readonly Cursor[]): void {
    for (const cursor of cursors) this.#cursors.add(cursor);
    if (!this.#isPaused) this.#isDue = this.#cursors.size > 0;
  }

  /**
   * Counts time. Every ten seconds, even while results arrive, checks that failed or were requested after a loss are due again, and
   * so is one of all results that the state does not show.
   * @returns whether `run` has something to do
   */
  tick(elapsedMs: number): boolean {
    this.#sinceCheckMs += elapsedMs;
    if (this.#sinceCheckMs < checkIntervalMs) return false;
    this.#sinceCheckMs = 0;
    this.#isPaused = false;
    this.checkUnproven();
    this.#isDue = this.#cursors.size > 0;
    return this.#isDue;
  }

  /** Drops all requested checks, since their answer is known. */
  cancel(): void {
    this.#cursors = new Set();
    this.#isDue = false;
  }

  /** Never rejects, since updates can be accepted while the log cannot be read. */
  async run(token: string, signal: AbortSignal): Promise<void> {
    if (!this.#isDue) return;
    const { sendRequest, onProblem } = this.#deps;
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
        return this.#handleLost(cursor);
      }
      this.cancel();
      this.#handleConfirmed(cursors);
    } catch (error) {
      if (!signal.aborted) onProblem(error);
    }
  }

  #handleConfirmed(cursors: ReadonlySet<Cursor>): void {
    const { outbox, replica, onConfirmed } = this.#deps;
    // Otherwise a snapshot has replaced the state meanwhile.
    if ([...cursors].some((cursor) => replica.hasPassed(cursor))) outbox.applied.confirm(replica.version, cursors);
    onConfirmed();
  }

  #handleLost(cursor: Cursor): void {
    // If the state's own cursor is lost, the server is about to send a snapshot that says so.
    if (cursor !== this.#deps.replica.cursor) this.#deps.onLost();
  }
}

/** Queries whether the log of the field has a cursor. @throws RequestError when the server does not answer */
async function isInLog(
  cursor: Cursor,
  sendRequest: SendFieldRequest,
  request: Pick<HttpRequest, 'token' | 'signal'>,
): Promise<boolean> {
  if (versionOf(cursor) === 0) return true;
  try {
    await sendRequest(`/updates?after=${cursor}&limit=1`, { ...request, expects: 'updates' });
    return true;
  } catch (error) {
    if (error instanceof RequestError && unknownCodes.includes(error.code)) return false;
    throw error;
  }
}

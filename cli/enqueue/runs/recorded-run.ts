/** A run of `enqueue` that is visible to operators: reports its counts every second, and follows their pause, resume or cancel. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { insertRun, type RunStatus, reportRun } from '../../../db/operators/enqueue-run.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { findOperator } from '../../backends/record-action.ts';
import type { EnqueueCounts } from '../counts.ts';

const reportMs = 1000;
const pollMs = 50;

interface RecordedRunDeps {
  readonly db: Knex;
  readonly field: FieldId;
  readonly name: string;
  readonly counts: EnqueueCounts;
  readonly printLine: (line: string) => void;
}

export class RecordedRun {
  readonly id = randomUUID();
  readonly #deps: RecordedRunDeps;
  readonly #cancelled = new AbortController();
  #status: RunStatus = 'running';
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: RecordedRunDeps) {
    this.#deps = deps;
  }

  /** Aborts when an operator cancels the run. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  async start(): Promise<void> {
    const { db, field, name } = this.#deps;
    await insertRun(db, { id: this.id, name, fieldId: field, operator: findOperator(), status: 'running' });
    this.#timer = setInterval(() => void this.#report().catch(() => undefined), reportMs);
  }

  /** Waits while the run is paused, or until `signal` aborts. */
  async waitWhilePaused(signal: AbortSignal): Promise<void> {
    while (this.#status === 'paused' && !signal.aborted) await delay(pollMs);
  }

  async end(isComplete: boolean): Promise<void> {
    clearInterval(this.#timer);
    const { db, counts } = this.#deps;
    await reportRun(db, this.id, { counts, ended: isComplete ? 'finished' : 'stopped' });
  }

  async #report(): Promise<void> {
    const { db, counts, printLine } = this.#deps;
    const status = (await reportRun(db, this.id, { counts })) ?? 'running';
    if (status === this.#status) return;
    this.#status = status;
    if (status === 'paused') printLine(`An operator has paused the run. It continues after: runs resume ${this.id}`);
    if (status === 'running') printLine('An operator has resumed the run.');
    if (status !== 'cancelled') return;
    printLine('An operator has cancelled the run.');
    this.#cancelled.abort();
  }
}

/** Says of every commit what it took, to whoever debugs, and once a minute in one line how the updates fare. */
import { createHistogram } from 'node:perf_hooks';
import type { Logger } from '../shared/process/logger.ts';
import type { CommitReport } from './commit/committer.ts';

export class PerformanceLog {
  readonly #log: Logger;
  readonly #commitMicros = createHistogram();
  #updates = 0;
  #slowestPublishMs = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  record({ applied, commitMs, publishMs }: CommitReport): void {
    const updates = [...applied.values()].reduce((sum, one) => sum + one.updates.length, 0);
    this.#log.debug(
      { fields: applied.size, updates, commitMs: Math.round(commitMs), publishMs: Math.round(publishMs) },
      'committed',
    );
    this.#updates += updates;
    this.#commitMicros.record(Math.max(1, Math.round(commitMs * 1000)));
    this.#slowestPublishMs = Math.max(this.#slowestPublishMs, publishMs);
  }

  /** Nothing when there were no commits since the last time. */
  report(): void {
    const commits = this.#commitMicros.count;
    if (commits === 0) return;
    const facts = {
      updates: this.#updates,
      commits,
      p50CommitMs: toMs(this.#commitMicros.percentile(50)),
      p99CommitMs: toMs(this.#commitMicros.percentile(99)),
      maxCommitMs: toMs(this.#commitMicros.max),
      maxPublishMs: Math.round(this.#slowestPublishMs * 10) / 10,
    };
    this.#log.info(facts, 'update performance');
    this.#commitMicros.reset();
    this.#updates = 0;
    this.#slowestPublishMs = 0;
  }
}

function toMs(micros: number): number {
  return Math.round(micros / 100) / 10;
}

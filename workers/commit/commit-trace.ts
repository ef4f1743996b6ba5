/** The part of tracing that a commit uses. Tracing is off unless it is configured. */
import type { ApplyUpdates } from '../../shared/contract/job.ts';

export interface CommitTrace {
  /** Runs one step for all jobs. Its statements and commands become part of the trace of the first traced job. */
  run<T>(step: 'commit' | 'publish', jobs: Iterable<ApplyUpdates>, work: () => Promise<T>): Promise<T>;
  /** The traces of these jobs, for the messages about them. */
  listTraceparents(jobs: readonly ApplyUpdates[]): readonly string[];
}

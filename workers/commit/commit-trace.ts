/** What a commit needs of tracing, which is off unless it is configured. */
import type { ApplyUpdates } from '../../shared/contract/job.ts';

export interface CommitTrace {
  /** Does a step for jobs, and adds what it sends to PostgreSQL and Redis to the trace of the first of them that is traced. */
  run<T>(step: 'commit' | 'publish', jobs: Iterable<ApplyUpdates>, work: () => Promise<T>): Promise<T>;
  /** The traces of these jobs, for the messages about them. */
  listTraceparents(jobs: readonly ApplyUpdates[]): readonly string[];
}

/** Writes fields with long logs, by the workers' own commit path, so that every row is valid. */
import type { Knex } from 'knex';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { openCommitter } from '../../test/support/committer.ts';

const devices = 500;
const maxUpdatesPerCommit = 5000;
/** Entries of a commit have the same log time, and retention deletes by log time. */
const minCommits = 20;
const startTimestamp = 1_700_000_000_000;

export interface LongLogsOptions {
  /** The total of all fields. */
  readonly updates: number;
  readonly fields: number;
  /** Called after each commit with the number of updates so far. */
  readonly onProgress: (written: number) => void;
}

/** @returns the number of updates */
export async function writeLongLogs(db: Knex, { updates, fields, onProgress }: LongLogsOptions): Promise<number> {
  const committer = openCommitter(db);
  const targetVersion = Math.floor(updates / fields);
  const updatesPerCommit = Math.min(maxUpdatesPerCommit, Math.ceil(targetVersion / minCommits));
  for (let index = 0; index < fields; index += 1) {
    const field = `long-${index}` as FieldId;
    for (let version = 0; version < targetVersion; version += updatesPerCommit) {
      const count = Math.min(updatesPerCommit, targetVersion - version);
      await committer.commit(new Map([[field, createJobs(field, version, count)]]));
      onProgress(index * targetVersion + version + count);
    }
  }
  return targetVersion * fields;
}

/** One job for each update, since consecutive updates are by different devices. */
function createJobs(field: FieldId, version: number, count: number): ApplyUpdates[] {
  return Array.from({ length: count }, (_, index) => {
    const next = version + index + 1;
    // Each device counts from 1: the updates of one that does not would be deferred, to wait for the missing one.
    const update = createUpdate(next, Math.ceil(next / devices));
    const origin = { device: `phone-${next % devices}` as DeviceId, user: `user-${next % devices}` };
    return { field, ...origin, updates: [update], acceptedAt: startTimestamp };
  });
}

/** Every tenth update writes a particle, the others cells; one in twenty is concurrent with the previous hundred updates. */
function createUpdate(next: number, counter: number): Update {
  const seen = Math.max(0, next - (next % 20 === 0 ? 100 : 1));
  const origin = { counter, timestamp: startTimestamp + next, seen };
  if (next % 10 === 0) {
    const position = { x: next % 97, y: next % 89, z: 0 };
    return { ...origin, kind: 'particle.put', id: `p${next % 70}`, position, resonance: (next % 101) / 100 };
  }
  const cells = [0, 7].map((step) => ({
    x: (next + step) % 30,
    y: Math.floor(next / 30) % 30,
    value: (next % 1009) / 1009,
  }));
  return { ...origin, kind: 'cells.set', cells };
}

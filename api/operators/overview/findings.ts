/** Finds problems of an installation, with advice: the first thing that an operator sees. Pure. */
import type { DatabaseOverview } from '../../../db/operators/overview.ts';
import type { QueueStats } from '../../../shared/queue/queue-stats.ts';
import type { Health } from '../../health/health-check.ts';

/** The worst first. */
export const findingLevels = ['problem', 'warning'] as const;

export interface Finding {
  readonly level: (typeof findingLevels)[number];
  readonly what: string;
  readonly advice: string;
}

export interface FindingsInput {
  /** In ms since the epoch. */
  readonly at: number;
  readonly health: Pick<Health, 'checks'>;
  readonly queue: { readonly redis: QueueStats | undefined; readonly postgres: QueueStats | undefined };
  /** Undefined while PostgreSQL does not answer. */
  readonly database: DatabaseOverview | undefined;
  /** Whether the operator has accepted that confirmed updates can be lost. */
  readonly allowsWeakDurability: boolean;
}

const oldJobMs = 30_000;
/** A receiver that restarts is no reason for a warning. */
const failingAttempts = 5;
const oldBackupMs = 36 * 3_600_000;
const command = 'npx consciousness-field';

export function findFindings({ at, health, queue, database, allowsWeakDurability }: FindingsInput): Finding[] {
  const findings: Finding[] = [];
  const add = (level: Finding['level'], isFound: boolean, what: string, advice: string) => {
    if (isFound) findings.push({ level, what, advice });
  };
  const { checks } = health;
  add(
    'problem',
    checks.database.status === 'down',
    'PostgreSQL does not answer.',
    'Updates wait in the queue and reads come from the cache. Restart it, or fail over; nothing needs to be emptied.',
  );
  add(
    'problem',
    checks.queue.status === 'down',
    "The queue's Redis does not answer.",
    'Updates go to the queue in PostgreSQL. Restart Redis with its data: the jobs in it were accepted.',
  );
  add(
    'warning',
    checks.cache.status === 'down',
    "The cache's Redis does not answer.",
    'Reads come from PostgreSQL, and streams are delayed. Restart it; it may be empty.',
  );
  add(
    'problem',
    checks.database.status === 'up' && checks.workers.count === 0,
    'No worker runs.',
    'Updates are accepted and wait. Start workers; if they end at once, their log says why.',
  );
  add(
    'problem',
    checks.queue.full,
    'The queue is full, so that updates are refused.',
    `Add workers, and look at PostgreSQL's commits. ${command} status shows where updates wait.`,
  );
  for (const [name, check] of [
    ['The database', checks.database],
    ['The queue', checks.queue],
  ] as const) {
    add(
      'warning',
      check.detail !== undefined && !allowsWeakDurability,
      `${name} could lose what was confirmed: ${check.detail}.`,
      `${command} doctor says which settings to change.`,
    );
  }
  const oldestAt = Math.min(
    ...[queue.redis, queue.postgres].map((stats) => stats?.oldestAt ?? Number.POSITIVE_INFINITY),
  );
  add(
    'problem',
    at - oldestAt > oldJobMs,
    `The oldest job has waited for ${Math.round((at - oldestAt) / 1000)} s.`,
    'Are workers running, is the queue paused, does PostgreSQL answer? A run of enqueue waits behind everything else, which is no fault.',
  );
  const failed = (queue.redis?.failed ?? 0) + (queue.postgres?.failed ?? 0);
  add(
    'warning',
    failed > 0,
    `${failed} ${failed === 1 ? 'job' : 'jobs'} could not be applied.`,
    `The page of dead letters, or ${command} dead-letters list, shows the reasons. Fix the cause, and retry or discard them.`,
  );
  if (!database) return findings;
  add(
    'warning',
    database.workers.some(({ isSilent }) => isSilent),
    'A worker has sent nothing to PostgreSQL for seconds.',
    'If it hangs, its queues go to others within 15 s. End it if it stays.',
  );
  add(
    'warning',
    database.unpublishedFields > 0,
    `The newest changes of ${database.unpublishedFields} fields are not in the cache yet.`,
    "They are published again as soon as the cache's Redis answers.",
  );
  for (const { id, host, status, attempts, deadLetters, lastError } of database.webhooks) {
    const reason = lastError ? `: ${lastError}` : '';
    add(
      'warning',
      status === 'paused',
      `The webhook to ${host} is paused${reason}.`,
      `Nothing is lost meanwhile. ${command} webhooks resume ${id} sends what it has missed. If a restore or a failover has lost what ` +
        `was delivered last, first choose where to continue with ${command} webhooks replay ${id}.`,
    );
    add(
      'warning',
      status === 'active' && attempts >= failingAttempts,
      `The webhook to ${host} has failed ${attempts} times${reason}.`,
      `It is tried again, and nothing is lost. Once the receiver works, ${command} webhooks resume ${id} tries at once.`,
    );
    add(
      'warning',
      deadLetters > 0,
      `The webhook to ${host} has refused ${deadLetters} ${deadLetters === 1 ? 'message' : 'messages'}.`,
      `Repair the receiver, and send them again with ${command} webhooks replay ${id} --dead-letters.`,
    );
  }
  const [newest] = database.backups;
  add(
    'warning',
    newest !== undefined && at - newest.takenAt > oldBackupMs,
    'The newest scheduled backup is more than 36 hours old.',
    `The log of a worker says why. ${command} backup takes one now.`,
  );
  return findings;
}

/**
 * Every finding of `doctor` with its level and advice. The checks add the facts; `docs/operations.md` has the details.
 */

type FindingLevel = 'ok' | 'warning' | 'problem';

interface FindingKind {
  readonly level: Exclude<FindingLevel, 'ok'>;
  readonly advice: string;
}

const findingKinds = {
  setting_invalid: {
    level: 'problem',
    advice:
      'Set it in the environment or in .env (.env.example explains each), or start `npm start`, which provides it.',
  },
  roles_share_a_redis: {
    level: 'warning',
    advice: 'Use a separate Redis for the cache, so that it cannot use up the memory of the queue.',
  },

  postgres_unreachable: {
    level: 'problem',
    advice: 'Start it, or correct DATABASE_URL. Until then, updates wait in the queue and reads come from the cache.',
  },
  postgres_access_denied: { level: 'problem', advice: 'Correct user, password and database name in DATABASE_URL.' },
  postgres_too_old: { level: 'problem', advice: 'Upgrade PostgreSQL to 14 or newer.' },
  postgres_read_only: { level: 'problem', advice: 'Point DATABASE_URL at the primary server: workers have to write.' },
  postgres_not_durable: {
    level: 'problem',
    advice: 'Turn it on (postgresql.conf, or ALTER ROLE … RESET): a commit must be on disk before it is acknowledged.',
  },
  postgres_connections_low: {
    level: 'warning',
    advice: 'Raise max_connections, lower DATABASE_POOL_SIZE, run fewer processes, or use a connection pooler.',
  },
  rule_settings_differ: {
    level: 'problem',
    advice:
      'Set the value of the installation, or change it with `npx consciousness-field rules set`: processes do not start.',
  },
  migrations_pending: { level: 'problem', advice: 'Run `npx consciousness-field migrate`.' },
  migrations_unknown: {
    level: 'problem',
    advice: 'The database is newer than this version: deploy the newer version, or roll its migrations back with it.',
  },

  redis_unreachable: {
    level: 'problem',
    advice: 'Start it, or correct its URL. Until then, PostgreSQL replaces it: slower, but nothing is lost.',
  },
  redis_access_denied: {
    level: 'problem',
    advice: 'Correct user and password in its URL, or the permissions of that user (ACL).',
  },
  redis_too_old: { level: 'problem', advice: 'Upgrade Redis to 6.2 or newer.' },
  redis_settings_unreadable: {
    level: 'warning',
    advice: 'Check them where this Redis is managed: the queue needs appendfsync always and noeviction.',
  },
  redis_cannot_write: { level: 'problem', advice: 'Check its log and its disk: it rejects writes, or will soon.' },
  queue_not_durable: {
    level: 'problem',
    advice:
      'Set appendonly yes, appendfsync always and no-appendfsync-on-rewrite no: otherwise a crash can lose accepted updates.',
  },
  queue_evicts_jobs: {
    level: 'problem',
    advice: 'Set maxmemory-policy noeviction: otherwise Redis deletes jobs when its memory is full.',
  },
  queue_memory_low: {
    level: 'problem',
    advice:
      'Add workers or raise maxmemory now: with full memory, updates are rejected and workers cannot drain the queue.',
  },
  cache_never_evicts: {
    level: 'warning',
    advice: 'Set maxmemory-policy allkeys-lru: a full cache accepts no new entries.',
  },

  no_workers: {
    level: 'problem',
    advice:
      'Start workers (workers/main.ts), or read in their log why they lease no partitions: until then, updates wait in the queue.',
  },
  queue_slow: {
    level: 'problem',
    advice: 'Check the log of the workers: they are too few, blocked, or waiting for PostgreSQL.',
  },
  queue_full: {
    level: 'problem',
    advice: 'New updates are rejected with 503: add workers, or raise MAX_BACKLOG or MAX_QUEUE_MEMORY_MB.',
  },
  queue_paused: {
    level: 'problem',
    advice: 'Resume it in Bull Board (/admin/queues): until then, no update is applied.',
  },
  jobs_failed: {
    level: 'problem',
    advice: 'List the reasons with `npx consciousness-field dead-letters list`, then retry or discard the jobs.',
  },
  jobs_stalled: { level: 'warning', advice: 'Their worker crashed: another worker takes them over within 15 s.' },

  api_unreachable: { level: 'problem', advice: 'Start it (api/main.ts), or pass its address with --url.' },
  api_not_ready: { level: 'problem', advice: 'Fix the problems above; if there are none, check its log.' },
  api_degraded: { level: 'warning', advice: 'Fix the problems above; /api/health names the part that is down.' },

  clock_skew: {
    level: 'problem',
    advice: 'Run NTP (chrony, systemd-timesyncd) on both: tokens tolerate 5 s, and timestamps decide ties.',
  },
  node_too_old: { level: 'problem', advice: 'Upgrade Node.js.' },
  disk_low: { level: 'problem', advice: 'Free some space or enlarge it: a full disk stops every commit.' },
  check_failed: { level: 'warning', advice: 'This check failed; the message has the reason.' },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof findingKinds;
export const findingCodes = Object.keys(findingKinds) as FindingCode[];

export type Subject =
  | 'configuration'
  | 'PostgreSQL'
  | "the queue's Redis"
  | "the cache's Redis"
  | 'the queue'
  | 'the queue in PostgreSQL'
  | 'the API'
  | 'this machine';

export interface Finding {
  readonly subject: Subject;
  readonly level: FindingLevel;
  /** `ok`, or the kind of the finding. */
  readonly code: FindingCode | 'ok';
  readonly message: string;
  /** What to do; undefined when the level is `ok`. */
  readonly advice?: string;
}

export function ok(subject: Subject, message: string): Finding {
  return { subject, level: 'ok', code: 'ok', message };
}

/** @param level overrides the level of the kind */
export function finding(subject: Subject, code: FindingCode, message: string, level?: FindingKind['level']): Finding {
  const kind: FindingKind = findingKinds[code];
  return { subject, level: level ?? kind.level, code, message, advice: kind.advice };
}

/**
 * All that `field doctor` can find, how bad it is, and what to do about it. The checks bring the facts, this table the
 * advice; `docs/operations.md` goes deeper.
 */

type FindingLevel = 'fine' | 'warning' | 'problem';

interface FindingKind {
  readonly level: Exclude<FindingLevel, 'fine'>;
  readonly advice: string;
}

const findingKinds = {
  setting_wrong: {
    level: 'problem',
    advice: 'Set it in the environment or in .env (.env.example explains each), or start `npm start`, which is found.',
  },
  roles_share_a_redis: {
    level: 'warning',
    advice: 'Give the cache a Redis of its own, so that it cannot fill the memory which the queue needs.',
  },

  postgres_unreachable: {
    level: 'problem',
    advice: 'Start it, or correct DATABASE_URL. Meanwhile updates wait in the queue and reads come from the cache.',
  },
  postgres_refuses: { level: 'problem', advice: 'Correct user, password and database name in DATABASE_URL.' },
  postgres_too_old: { level: 'problem', advice: 'Upgrade PostgreSQL to 14 or newer.' },
  postgres_read_only: { level: 'problem', advice: 'Point DATABASE_URL at the primary server: workers have to write.' },
  postgres_may_forget: {
    level: 'problem',
    advice: 'Turn it on in postgresql.conf and reload: a commit must be on the disk before it is told.',
  },
  postgres_connections_short: {
    level: 'warning',
    advice: 'Raise max_connections, lower DATABASE_POOL_SIZE, run fewer processes, or put a pooler in between.',
  },
  migrations_missing: { level: 'problem', advice: 'Run `npx consciousness-field migrate`.' },
  migrations_unknown: {
    level: 'problem',
    advice: 'The database is ahead of this version: deploy the newer one, or take its migrations back with that one.',
  },

  redis_unreachable: {
    level: 'problem',
    advice: 'Start it, or correct its URL. Meanwhile PostgreSQL stands in: slower, but nothing is lost.',
  },
  redis_refuses: { level: 'problem', advice: 'Correct user and password in its URL, or what that user may do (ACL).' },
  redis_too_old: { level: 'problem', advice: 'Upgrade Redis to 6.2 or newer.' },
  redis_settings_hidden: {
    level: 'warning',
    advice: 'Look at them where this Redis is managed: the queue needs appendfsync always and noeviction.',
  },
  redis_cannot_write: { level: 'problem', advice: 'Look at its log and its disk: it refuses writes, or will soon.' },
  queue_may_forget: {
    level: 'problem',
    advice: 'Set appendonly yes and appendfsync always: else what was accepted can be lost in a crash.',
  },
  queue_may_evict: {
    level: 'problem',
    advice: 'Set maxmemory-policy noeviction: else Redis drops jobs when it is full.',
  },
  queue_memory_short: {
    level: 'problem',
    advice: 'Add workers or raise maxmemory now: a full queue takes no updates, and workers cannot empty it either.',
  },
  cache_never_evicts: { level: 'warning', advice: 'Set maxmemory-policy allkeys-lru: a full cache takes nothing new.' },

  no_workers: { level: 'problem', advice: 'Start workers (workers/main.ts): updates are taken in, and wait.' },
  queue_slow: {
    level: 'problem',
    advice: 'Look at the log of the workers: they are too few, stuck, or wait for PostgreSQL. Then add some.',
  },
  queue_full: {
    level: 'problem',
    advice: 'New updates are answered with 503: add workers, or raise MAX_BACKLOG or MAX_QUEUE_MEMORY_MB.',
  },
  queue_paused: { level: 'problem', advice: 'Resume it in Bull Board (/admin/queues): nothing is applied meanwhile.' },
  jobs_failed: {
    level: 'problem',
    advice: 'See why with `npx consciousness-field dead list`, then retry or discard them.',
  },
  jobs_stalled: { level: 'warning', advice: 'Their worker died: they come back within 15 s, if another one runs.' },

  api_unreachable: { level: 'problem', advice: 'Start it (api/main.ts), or say its right address with --url.' },
  api_not_ready: { level: 'problem', advice: 'Mend what is said above; else look at its log.' },
  api_degraded: { level: 'warning', advice: 'Mend what is said above; /api/health says which part is down.' },

  clock_differs: {
    level: 'problem',
    advice: 'Run NTP (chrony, systemd-timesyncd) on both: tokens tolerate 5 s, and timestamps decide ties.',
  },
  node_too_old: { level: 'problem', advice: 'Upgrade Node.js.' },
  disk_short: { level: 'problem', advice: 'Make room or enlarge it: a full disk stops every commit.' },
  not_looked_at: { level: 'warning', advice: 'This check could not be made; the reason is in the message.' },
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
  /** `fine`, or the name of what is wrong. */
  readonly code: FindingCode | 'fine';
  readonly message: string;
  /** What to do; only where something is wrong. */
  readonly advice?: string;
}

export function ok(subject: Subject, message: string): Finding {
  return { subject, level: 'fine', code: 'fine', message };
}

/** @param level where it is not as bad as elsewhere */
export function finding(subject: Subject, code: FindingCode, message: string, level?: FindingKind['level']): Finding {
  const kind: FindingKind = findingKinds[code];
  return { subject, level: level ?? kind.level, code, message, advice: kind.advice };
}

/**
 * The schema of all settings, by their names in the environment, with a description of each. `.env.example` and
 * `docs/settings.md` are checked against it.
 */
import { z } from 'zod';
import { fieldIdSchema } from '../contract/ids.ts';
import { fieldPatternSchema } from '../contract/token.ts';
import { describeUnusableSecret, minPasswordLength } from './secret-strength.ts';
import { postgresUrl, redisUrl } from './server-urls.ts';
import { isProxy, parseProxies } from './trusted-proxies.ts';

export const flag = z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const signingSecret = z.string().superRefine((secret, context) => {
  const weakness = describeUnusableSecret(secret);
  if (weakness) context.addIssue({ code: 'custom', message: weakness });
});
const proxies = z
  .string()
  .refine((list) => parseProxies(list).every(isProxy), 'must be comma-separated addresses or networks (10.0.0.0/8)');
const fieldPatterns = z
  .string()
  .refine(
    (list) => parseFieldPatterns(list).every((pattern) => fieldPatternSchema.safeParse(pattern).success),
    'must be ids of fields, patterns such as team-*, or *, separated by commas',
  );
/** A rate limit in points per window; 0 for no limit. */
const limit = (points: number) => integer(0, 1_000_000_000).default(points);

/** The patterns in a list with commas. */
export function parseFieldPatterns(list: string): string[] {
  return list.split(',').map((pattern) => pattern.trim());
}

export const configSchema = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('The environment: production has no unsafe defaults, and npm start starts no servers in it.'),
  HOST: z.string().min(1).default('127.0.0.1').describe('The address on which the API listens.'),
  ALLOWED_HOSTS: z
    .string()
    .default('')
    .describe(
      'Host names, separated by commas, that requests may have in their Host header besides localhost and HOST; * for all. If it is not set, production allows all.',
    ),
  PORT: integer(0, 65535).default(3000).describe('The port on which the API listens; 0 for any free port.'),
  METRICS_PORT: integer(0, 65535)
    .optional()
    .describe(
      'The port on which a process serves its metrics and health without a token; none unless set, 0 for any free port. Processes on one machine need different ports.',
    ),
  METRICS_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('The address on which a process serves its metrics and health.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('The lowest level that is logged.'),
  ERROR_WEBHOOK_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'A URL to which errors are posted, as JSON with a `text` field, as incoming webhooks of chat services expect; none unless set.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The collector of traces (OTLP over HTTP), for example http://127.0.0.1:4318; no traces unless set.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('The fraction of traces that is exported.'),

  DATABASE_URL: postgresUrl.describe(
    'The PostgreSQL database, the source of truth. Of several hosts (HOST:PORT,HOST:PORT), the one that accepts writes is used.',
  ),
  DATABASE_DIRECT_URL: postgresUrl
    .optional()
    .describe(
      'The same database without a pooler, for the leases of queues, migrations, the fallback queue and backups; DATABASE_URL unless set.',
    ),
  DATABASE_POOL_SIZE: integer(2, 200).default(10).describe('The connections to PostgreSQL of each process.'),
  QUEUE_REDIS_URL: redisUrl.describe(
    'The Redis of the queue, with appendonly yes, appendfsync always, no-appendfsync-on-rewrite no and maxmemory-policy noeviction. For a Redis Cluster, add ?cluster=true to the URL of one of its servers. For Sentinel, add ?sentinel=NAME, with the name of the master, to the URL of a Sentinel. &node=HOST:PORT adds another server or Sentinel.',
  ),
  CACHE_REDIS_URL: redisUrl.describe(
    'The Redis of the cache, which may lose its data at any time. For a Redis Cluster, add ?cluster=true to the URL of one of its servers. For Sentinel, add ?sentinel=NAME, with the name of the master, to the URL of a Sentinel. &node=HOST:PORT adds another server or Sentinel.',
  ),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .default('field')
    .describe('The prefix of the keys in Redis, which must differ between installations that share a Redis.'),
  ALLOW_WEAK_DURABILITY: flag
    .default(false)
    .describe(
      'Whether production may start, and health checks pass, although the queue or PostgreSQL may lose confirmed writes.',
    ),

  JWT_SECRET: signingSecret
    .optional()
    .describe(
      'The secret of at least 32 bytes that signs tokens (HS256). The API requires either this or JWKS_URL. Make one with `openssl rand -base64 48`.',
    ),
  JWT_SECRET_PREVIOUS: signingSecret
    .optional()
    .describe('The previous value of JWT_SECRET, while secrets are rotated: tokens that it signed are still accepted.'),
  ERASURE_KEY: signingSecret
    .optional()
    .describe(
      'The secret of at least 32 bytes by which erased devices are recognised (docs/erasure.md). It must be the same in all processes, and must not change as long as the database and its backups exist.',
    ),
  JWKS_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The JWKS of the identity provider that signs tokens; in production, an https:// address.'),
  JWT_ISSUER: z.string().min(1).default('consciousness-field').describe('The required issuer of tokens.'),
  JWT_AUDIENCE: z.string().min(1).default('consciousness-field').describe('The required audience of tokens.'),
  TOKEN_MAX_DAYS: z.coerce
    .number()
    .min(0.01)
    .max(36_500)
    .default(366)
    .describe('The longest lifetime of a token in days, from its claim iat to exp; longer ones are refused.'),
  OPEN_REGISTRATION: flag
    .optional()
    .describe('Whether POST /api/devices issues a token to anybody; true in development, required in production.'),
  REGISTRATION_FIELDS: fieldPatterns
    .default('*')
    .describe(
      'The fields that registered devices may read and change: ids, patterns such as team-*, or *, separated by commas.',
    ),
  REGISTRATION_TOKEN_DAYS: z.coerce
    .number()
    .min(0.01)
    .max(36_500)
    .default(30)
    .describe(
      'The lifetime in days of the tokens of registered devices, at most TOKEN_MAX_DAYS. Devices can renew expired tokens.',
    ),
  VIEWER_TOKEN_DAYS: z.coerce
    .number()
    .min(0)
    .max(36_500)
    .default(7)
    .describe(
      'The longest lifetime in days of the read-only tokens that readers of a field can make for others, at most TOKEN_MAX_DAYS; 0 for no such tokens.',
    ),
  LEGACY_TRPC_FIELD: fieldIdSchema
    .optional()
    .describe(
      'The field that apps of the original system read and change at /api/trpc, without tokens (docs/migrating.md); none unless set.',
    ),
  ADMIN_PASSWORD: z
    .string()
    .min(minPasswordLength, `must be at least ${minPasswordLength} characters long`)
    .optional()
    .describe('The password of the operator `operator`, who has the scope admin; none unless set.'),
  OPERATORS_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A JSON file of operators who log in with a name and a password: a list of {"name","password","scopes"} with hashed passwords, as `npx consciousness-field operators hash NAME --scopes board:read,metrics:read` prints them.',
    ),
  CORS_ORIGINS: z
    .string()
    .default('')
    .describe(
      'The origins of web pages that may call the API, separated by commas. In development, pages from this machine always may.',
    ),
  TRUST_PROXY: proxies
    .default('')
    .describe(
      'The proxies whose X-Forwarded-For and X-Forwarded-Prefix are trusted: addresses or networks, separated by commas.',
    ),
  REQUEST_TIMEOUT_MS: integer(100, 600_000)
    .default(30_000)
    .describe('The time in ms within which a whole request must arrive.'),

  STREAM_COMPRESSION: flag
    .default(true)
    .describe('Whether long messages of WebSockets are compressed for the clients that accept it.'),

  LIMIT_WINDOW_SECONDS: integer(1, 3600).default(10).describe('The window of all rate limits, in seconds.'),
  LIMIT_UPDATES: limit(100_000).describe(
    'Points per window and user for updates, over all processes; 0 for no limit. A request with n updates costs n + 1 points, and another point for each 16 KiB. A limit below 501 always rejects requests with 500 updates.',
  ),
  LIMIT_READS: limit(100_000).describe('Points per window and user for reads; 0 for no limit. Most reads cost one.'),
  LIMIT_STREAMS: limit(10_000).describe('Concurrently open streams per user; 0 for no limit.'),
  LIMIT_NEW_STREAMS: limit(10_000).describe('Newly opened streams per window and user; 0 for no limit.'),
  LIMIT_ADDRESS_FACTOR: z.coerce
    .number()
    .min(0)
    .max(1_000_000)
    .default(3)
    .describe(
      'The limits of all users of an address (IPv6: of a /64 network) together, as a multiple of the limits of one user for updates, reads, streams, new streams, new fields and new devices; 0 for no limit. Raise it if many users share an address.',
    ),
  LIMIT_NEW_FIELDS: limit(1000).describe('Fields that a user may create per day; 0 for no limit.'),
  LIMIT_NEW_DEVICES: limit(1000).describe('Devices with which a user may write per day; 0 for no limit.'),
  LIMIT_FAILED_LOGINS: limit(1000).describe('Invalid tokens per window and address; 0 for no limit.'),
  LIMIT_REGISTRATIONS: limit(10_000).describe(
    'Registrations, renewals of tokens and tokens for viewers per window and address; 0 for no limit.',
  ),

  WEBHOOK_KEY: signingSecret
    .optional()
    .describe(
      'The secret of at least 32 bytes from which the secrets of webhooks are derived (docs/webhooks.md). It must be the same in all workers. Without it, no webhooks are sent.',
    ),
  WEBHOOK_ALLOW_HTTP: flag.default(false).describe('Whether webhooks may have http:// addresses.'),
  WEBHOOK_ALLOW_PRIVATE: flag
    .default(false)
    .describe('Whether webhooks may be sent to addresses that are not public, such as loopback and private ones.'),

  GRID_SIZE: integer(1, 1000)
    .default(30)
    .describe(
      'The number of cells of the resonance grid in each direction. It must be the same in all processes (`npx consciousness-field rules`).',
    ),
  MAX_BACKLOG: integer(1, 10_000_000)
    .default(50_000)
    .describe('The number of unfinished requests in the queue above which updates are rejected with 503.'),
  MAX_QUEUE_MEMORY_MB: integer(16, 1_000_000)
    .default(1024)
    .describe(
      "The memory use of the queue's Redis, in MB, above which updates are rejected with 503. The limit is at most 70 % of its maxmemory.",
    ),
  WORKER_CONCURRENCY: integer(1, 5000).default(500).describe('The jobs that a worker processes concurrently.'),
  COMMIT_CONCURRENCY: integer(1, 32).default(2).describe('The commits that a worker runs concurrently.'),
  SNAPSHOT_EVERY: integer(10, 1_000_000)
    .default(5000)
    .describe('The number of updates between two archived snapshots of a field. Reads with `?at=` start from these.'),
  LOG_RETENTION_DAYS: z.coerce
    .number()
    .min(0)
    .max(36_500)
    .default(30)
    .describe(
      'How long the log is kept, in days. It must be the same in all workers (`npx consciousness-field rules`).',
    ),
  CACHE_TTL_SECONDS: integer(1, 7 * 86_400)
    .default(3600)
    .describe('How long an unchanged field stays in the cache, in seconds.'),

  BACKUP_FOLDER: z
    .string()
    .min(1)
    .default('backups')
    .describe('The folder to which a worker writes backups of the database, preferably on another disk.'),
  BACKUP_EVERY_HOURS: z.coerce
    .number()
    .min(0)
    .max(8760)
    .default(24)
    .describe('The interval between backups in hours; 0 for no backups.'),
  BACKUP_KEEP: integer(1, 10_000)
    .default(14)
    .describe('How many backups are kept at most. The newest one and the newest verified one are always kept.'),
  BACKUP_KEEP_DAYS: z.coerce.number().min(0).max(36_500).default(60).describe('How long backups are kept, in days.'),
});

/** The settings that a worker uses. They include no key of tokens and no operator's password. */
export const workerSettings = {
  NODE_ENV: true,
  METRICS_PORT: true,
  METRICS_HOST: true,
  LOG_LEVEL: true,
  ERROR_WEBHOOK_URL: true,
  OTEL_EXPORTER_OTLP_ENDPOINT: true,
  OTEL_TRACES_SAMPLER_ARG: true,
  DATABASE_URL: true,
  DATABASE_DIRECT_URL: true,
  DATABASE_POOL_SIZE: true,
  QUEUE_REDIS_URL: true,
  CACHE_REDIS_URL: true,
  QUEUE_PREFIX: true,
  ALLOW_WEAK_DURABILITY: true,
  ERASURE_KEY: true,
  WEBHOOK_KEY: true,
  WEBHOOK_ALLOW_HTTP: true,
  WEBHOOK_ALLOW_PRIVATE: true,
  GRID_SIZE: true,
  WORKER_CONCURRENCY: true,
  COMMIT_CONCURRENCY: true,
  SNAPSHOT_EVERY: true,
  LOG_RETENTION_DAYS: true,
  CACHE_TTL_SECONDS: true,
  BACKUP_FOLDER: true,
  BACKUP_EVERY_HOURS: true,
  BACKUP_KEEP: true,
  BACKUP_KEEP_DAYS: true,
} as const satisfies Partial<Record<keyof typeof configSchema.shape, true>>;
export type WorkerSettingName = keyof typeof workerSettings;

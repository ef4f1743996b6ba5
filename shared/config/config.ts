/**
 * Every setting of every process, in one schema. Pure: it is given the environment and reads nothing itself.
 *
 * In development a missing database or Redis is started by `npm start`, and secrets are made up; in production
 * (`NODE_ENV=production`) nothing is defaulted that could lose data or let somebody in.
 */
import { z } from 'zod';
import { describeWeakSecret } from './secret-strength.ts';
import { isProxy, parseProxies } from './trusted-proxies.ts';

const flag = z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const postgresUrl = z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://');
const signingSecret = z.string().superRefine((secret, context) => {
  const weakness = describeWeakSecret(secret);
  if (weakness) context.addIssue({ code: 'custom', message: weakness });
});
const proxies = z
  .string()
  .refine((list) => parseProxies(list).every(isProxy), 'must be addresses or networks such as 10.0.0.0/8, with commas');
/** Of points in a window; 0 for none. */
const limit = (points: number) => integer(0, 1_000_000_000).default(points);
const redisUrl = z.string().regex(/^rediss?:\/\//, 'must start with redis:// or rediss://');

/** The settings by their names in the environment; `.env.example` lists the same, and a test holds it to this. */
export const configSchema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: integer(0, 65535).default(3000),
  METRICS_PORT: integer(0, 65535).optional(),
  METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  ERROR_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),

  DATABASE_URL: postgresUrl,
  DATABASE_DIRECT_URL: postgresUrl.optional(),
  DATABASE_POOL_SIZE: integer(2, 200).default(10),
  QUEUE_REDIS_URL: redisUrl,
  CACHE_REDIS_URL: redisUrl,
  QUEUE_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .default('field'),
  ALLOW_WEAK_DURABILITY: flag.default(false),

  JWT_SECRET: signingSecret.optional(),
  JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  JWT_ISSUER: z.string().min(1).default('consciousness-field'),
  JWT_AUDIENCE: z.string().min(1).default('consciousness-field'),
  OPEN_REGISTRATION: flag.optional(),
  ADMIN_PASSWORD: z.string().min(12, 'must be at least 12 characters long').optional(),
  CORS_ORIGINS: z.string().default(''),
  TRUST_PROXY: proxies.default(''),
  REQUEST_TIMEOUT_MS: integer(100, 600_000).default(30_000),

  LIMIT_WINDOW_SECONDS: integer(1, 3600).default(10),
  LIMIT_UPDATES: limit(100_000),
  LIMIT_READS: limit(100_000),
  LIMIT_STREAMS: limit(10_000),
  LIMIT_NEW_STREAMS: limit(10_000),
  LIMIT_FAILED_LOGINS: limit(1000),
  LIMIT_REGISTRATIONS: limit(10_000),

  GRID_SIZE: integer(1, 1000).default(30),
  MAX_BACKLOG: integer(1, 10_000_000).default(50_000),
  MAX_QUEUE_MEMORY_MB: integer(16, 1_000_000).default(1024),
  WORKER_CONCURRENCY: integer(1, 5000).default(500),
  COMMIT_LANES: integer(1, 32).default(2),
  SNAPSHOT_EVERY: integer(10, 1_000_000).default(5000),
  LOG_RETENTION_DAYS: z.coerce.number().min(0).max(36_500).default(30),
  CACHE_TTL_SECONDS: integer(1, 7 * 86_400).default(3600),

  BACKUP_FOLDER: z.string().min(1).default('backups'),
  BACKUP_EVERY_HOURS: z.coerce.number().min(0).max(8760).default(24),
  BACKUP_KEEP: integer(1, 10_000).default(14),
  BACKUP_KEEP_DAYS: z.coerce.number().min(0).max(36_500).default(60),
});

type Settings = z.infer<typeof configSchema>;
export type Config = Readonly<Settings & { openRegistration: boolean; isProduction: boolean }>;

/**
 * PostgreSQL past any pooler, for what needs a session of its own: migrations, the queue that stands in for Redis (it
 * listens, and names its schema as it connects), and the locks of backups.
 */
export function directDatabaseUrl(settings: Pick<Settings, 'DATABASE_URL' | 'DATABASE_DIRECT_URL'>): string {
  return settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL;
}

/** All that is wrong with the environment, at once: one sentence a setting. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/**
 * Checks `env` and returns the frozen configuration.
 * @throws ConfigError that lists every bad key.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const raw = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const parsed = configSchema.safeParse(raw);
  const isProduction = raw.NODE_ENV === 'production';
  const problems = [
    ...(parsed.error?.issues.map(({ path, message }) => describeIssue(String(path[0]), message, raw)) ?? []),
    ...findKeyProblems(raw),
    ...(isProduction ? findProductionProblems(raw) : []),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const settings = parsed.data;
  return Object.freeze({ ...settings, isProduction, openRegistration: settings.OPEN_REGISTRATION ?? !isProduction });
}

type RawSettings = Readonly<Record<string, string | undefined>>;

function describeIssue(key: string, message: string, raw: RawSettings): string {
  return raw[key] === undefined ? `${key} is missing` : `${key}: ${message}`;
}

function findKeyProblems({ JWT_SECRET: secret, JWKS_URL: jwksUrl }: RawSettings): string[] {
  if (secret && jwksUrl) return ['JWT_SECRET and JWKS_URL are both set: choose one'];
  if (!secret && !jwksUrl) return ['JWT_SECRET (at least 32 bytes) or JWKS_URL is missing'];
  return [];
}

function findProductionProblems({ OPEN_REGISTRATION: open, JWT_SECRET: secret }: RawSettings): string[] {
  if (open === undefined) return ['OPEN_REGISTRATION is missing: say true or false, since it lets anybody in'];
  const isOpen = flag.safeParse(open).data ?? false;
  return isOpen && !secret ? ['OPEN_REGISTRATION needs JWT_SECRET, to sign the tokens that it hands out'] : [];
}

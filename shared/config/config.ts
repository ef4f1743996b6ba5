/**
 * Loads the configuration from an environment that the caller passes, and checks rules that concern several settings.
 *
 * In development, `npm start` starts a missing PostgreSQL or Redis and generates secrets; in production
 * (`NODE_ENV=production`) no default may risk data or grant access.
 */
import type { z } from 'zod';
import { configSchema, flag } from './settings.ts';

type Settings = z.infer<typeof configSchema>;
export type Config = Readonly<Settings & { openRegistration: boolean; isProduction: boolean }>;

/**
 * The URL of PostgreSQL without a pooler, for everything that needs a session: leases, migrations, the fallback queue (LISTEN
 * and the schema as a connection option), and the locks of backups.
 */
export function directDatabaseUrl(settings: Pick<Settings, 'DATABASE_URL' | 'DATABASE_DIRECT_URL'>): string {
  return settings.DATABASE_DIRECT_URL ?? settings.DATABASE_URL;
}

/** Lists all problems of the environment at once, one sentence for each setting. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/**
 * Validates `env` and returns the frozen configuration.
 * @throws ConfigError with a problem for every invalid setting
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
  if (open === undefined) return ['OPEN_REGISTRATION is missing: set true or false; true issues a token to anybody'];
  const isOpen = flag.safeParse(open).data ?? false;
  return isOpen && !secret ? ['OPEN_REGISTRATION needs JWT_SECRET, to sign the tokens that it issues'] : [];
}

/**
 * Loads the configuration from an environment that the caller passes, and checks rules that concern several settings.
 *
 * In development, `npm start` starts a missing PostgreSQL or Redis and generates secrets; in production
 * (`NODE_ENV=production`) no default may risk data or grant access.
 */
import type { z } from 'zod';
import {
  describeGuessablePassword,
  describeGuessableSecret,
  describeUnusableSecret,
  minPasswordLength,
} from './secret-strength.ts';
import { configSchema, flag, type WorkerSettingName, workerSettings } from './settings.ts';

type Settings = z.infer<typeof configSchema>;
/** The configuration of an API process. */
export type Config = Readonly<Settings & { openRegistration: boolean; isProduction: boolean }>;
/** The configuration of a worker, which verifies no tokens and so has no secret that could sign one. */
export type WorkerConfig = Readonly<Pick<Settings, WorkerSettingName> & { isProduction: boolean }>;

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

type RawSettings = Readonly<Record<string, string | undefined>>;

/**
 * Validates `env` and returns the frozen configuration of an API process.
 * @throws ConfigError with a problem for every invalid setting
 */
export function loadConfig(env: RawSettings): Config {
  const raw = omitEmpty(env);
  const isProduction = raw.NODE_ENV === 'production';
  const settings = parseSettings(configSchema, raw, [
    ...findKeyProblems(raw),
    ...findLifetimeProblems(raw),
    ...findLegacyProblems(raw),
    ...(isProduction ? findProductionProblems(raw) : []),
  ]);
  return Object.freeze({ ...settings, isProduction, openRegistration: settings.OPEN_REGISTRATION ?? !isProduction });
}

const workerSchema = configSchema.pick(workerSettings);

/**
 * Validates what a worker uses of `env` and returns it frozen. Other settings are neither needed nor kept.
 * @throws ConfigError with a problem for every invalid setting
 */
export function loadWorkerConfig(env: RawSettings): WorkerConfig {
  const raw = omitEmpty(env);
  return Object.freeze({ ...parseSettings(workerSchema, raw, []), isProduction: raw.NODE_ENV === 'production' });
}

function omitEmpty(env: RawSettings): RawSettings {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
}

/** @throws ConfigError */
function parseSettings<T>(schema: z.ZodType<T>, raw: RawSettings, otherProblems: readonly string[]): T {
  const parsed = schema.safeParse(raw);
  const problems = [
    ...(parsed.error?.issues.map(({ path, message }) => describeIssue(String(path[0]), message, raw)) ?? []),
    ...otherProblems,
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return parsed.data;
}

function describeIssue(key: string, message: string, raw: RawSettings): string {
  return raw[key] === undefined ? `${key} is missing` : `${key}: ${message}`;
}

function findKeyProblems(raw: RawSettings): string[] {
  const { JWT_SECRET: secret, JWT_SECRET_PREVIOUS: previous, JWKS_URL: jwksUrl } = raw;
  if (secret && jwksUrl) return ['JWT_SECRET and JWKS_URL are both set: choose one'];
  if (!secret && !jwksUrl) return ['JWT_SECRET (at least 32 bytes) or JWKS_URL is missing'];
  if (previous && !secret) return ['JWT_SECRET_PREVIOUS is set without JWT_SECRET'];
  return [];
}

function findLifetimeProblems(raw: RawSettings): string[] {
  const lifetimes = configSchema.pick({ TOKEN_MAX_DAYS: true, REGISTRATION_TOKEN_DAYS: true }).safeParse(raw).data;
  if (!lifetimes || lifetimes.REGISTRATION_TOKEN_DAYS <= lifetimes.TOKEN_MAX_DAYS) return [];
  return [`REGISTRATION_TOKEN_DAYS is above TOKEN_MAX_DAYS (${lifetimes.TOKEN_MAX_DAYS})`];
}

/** Devices of the original system are recognised by a keyed hash, which needs a secret. */
function findLegacyProblems({ LEGACY_TRPC_FIELD: field, JWT_SECRET: secret, ERASURE_KEY: key }: RawSettings): string[] {
  return field && !secret && !key ? ['LEGACY_TRPC_FIELD needs JWT_SECRET or ERASURE_KEY'] : [];
}

function findProductionProblems(raw: RawSettings): string[] {
  const { JWKS_URL: jwksUrl, ADMIN_PASSWORD: password } = raw;
  const weaknesses: Readonly<Record<string, string | undefined>> = {
    JWT_SECRET: describeWeakSecret(raw.JWT_SECRET),
    JWT_SECRET_PREVIOUS: describeWeakSecret(raw.JWT_SECRET_PREVIOUS),
    // A password that is too short is reported in any environment.
    ADMIN_PASSWORD: password && password.length >= minPasswordLength ? describeGuessablePassword(password) : undefined,
    JWKS_URL: jwksUrl?.startsWith('http:') ? 'must start with https:// in production' : undefined,
  };
  return [
    ...Object.entries(weaknesses).flatMap(([name, weakness]) => (weakness ? [`${name}: ${weakness}`] : [])),
    ...findRegistrationProblems(raw),
  ];
}

/** A secret that no environment may use is reported by the schema. */
function describeWeakSecret(secret: string | undefined): string | undefined {
  return secret === undefined || describeUnusableSecret(secret) ? undefined : describeGuessableSecret(secret);
}

function findRegistrationProblems({ OPEN_REGISTRATION: open, JWT_SECRET: secret }: RawSettings): string[] {
  if (open === undefined) return ['OPEN_REGISTRATION is missing: set true or false; true issues a token to anybody'];
  const isOpen = flag.safeParse(open).data ?? false;
  return isOpen && !secret ? ['OPEN_REGISTRATION needs JWT_SECRET, to sign the tokens that it issues'] : [];
}

/**
 * Where a command's settings come from: the environment, and for what is not set there a running `npm start`, which
 * writes its addresses into `stack.json` in its data folder. Checked by the schema that every process uses.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { configSchema } from '../../shared/config/config.ts';
import { CliError } from '../errors/cli-error.ts';

type Settings = z.infer<typeof configSchema>;
export type SettingName = keyof Settings;
type Environment = Readonly<Record<string, string | undefined>>;

const defaultDataFolder = fileURLToPath(new URL('../../.field', import.meta.url));
const addressNames = ['DATABASE_URL', 'QUEUE_REDIS_URL', 'CACHE_REDIS_URL'] as const;
const stackSchema = z.record(z.string(), z.string());

/**
 * The settings that a command uses; of those that are optional, a command says itself what it leaves out.
 * @throws CliError `usage` that names each one that is missing or bad, and says what to do
 */
export function readSettings<Name extends SettingName, Optional extends SettingName = never>(
  names: readonly Name[],
  env: Environment,
  optional: readonly Optional[] = [],
): Pick<Settings, Name> & Partial<Pick<Settings, Optional>> {
  const all = collectSettings(env);
  const parsed = configSchema
    .pick(maskOf([...names, ...optional]))
    .partial(maskOf(optional))
    .safeParse(all);
  if (parsed.success) return parsed.data as Pick<Settings, Name> & Partial<Pick<Settings, Optional>>;
  const keys = parsed.error.issues.map(({ path: [key] }) => String(key));
  const missing = keys.filter((key) => all[key] === undefined);
  if (missing.length > 0) throw createMissingSettingsError(missing);
  const problems = parsed.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`);
  throw new CliError('usage', `The settings cannot be used: ${problems.join('; ')}`);
}

/** All that is set, unchecked: in the environment, or by a running `npm start`. */
export function collectSettings(env: Environment): Record<string, string> {
  const envSettings = omitEmpty(env);
  return { ...readStackSettings(envSettings), ...envSettings };
}

function maskOf(names: readonly SettingName[]): Record<SettingName, true> {
  return Object.fromEntries(names.map((name) => [name, true])) as Record<SettingName, true>;
}

export function createMissingSettingsError(names: readonly string[]): CliError {
  const verb = names.length > 1 ? 'are' : 'is';
  return new CliError(
    'usage',
    `${names.join(' and ')} ${verb} missing: set ${names.length > 1 ? 'them' : 'it'} in the environment or in a file ` +
      '.env in this folder, or start a development stack with `npm start`, which is then found.',
  );
}

/** Set but empty is not set, as everywhere. */
function omitEmpty(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** Nothing of the stack is used once an address of another one is set: half of each would mix two systems. */
function readStackSettings(envSettings: Record<string, string>): Record<string, string> {
  if (envSettings.NODE_ENV === 'production') return {};
  const stack = readStackFile(join(envSettings.FIELD_DATA_DIR ?? defaultDataFolder, 'stack.json'));
  if (addressNames.some((name) => envSettings[name] !== undefined && envSettings[name] !== stack[name])) return {};
  // Tokens are checked by one of the two, and what is set decides which.
  if (envSettings.JWKS_URL !== undefined || envSettings.JWT_SECRET !== undefined) {
    const { JWT_SECRET: _secret, JWKS_URL: _url, ...rest } = stack;
    return rest;
  }
  return stack;
}

function readStackFile(file: string): Record<string, string> {
  try {
    return stackSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new CliError('usage', `${file} cannot be read: start \`npm start\` anew, or remove the file.`, { cause });
  }
}

/**
 * The settings of a command. They come from the environment, and the rest from a running `npm start`, which writes its
 * addresses to `stack.json` in its data folder. The schema is the one that every process uses.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { configSchema } from '../../shared/config/settings.ts';
import { packageFile } from '../../shared/process/package-files.ts';
import type { CommandContext } from '../context/command-context.ts';
import { CliError } from '../errors/cli-error.ts';

type Settings = z.infer<typeof configSchema>;
export type SettingName = keyof Settings;
type SettingsSource = Pick<CommandContext, 'env' | 'cwd'>;

const defaultDataFolder = fileURLToPath(packageFile('.field'));
const addressNames = ['DATABASE_URL', 'QUEUE_REDIS_URL', 'CACHE_REDIS_URL'] as const;
const stackSchema = z.record(z.string(), z.string());

/**
 * The settings that a command uses. When an optional one is missing, the command itself reports what it omits.
 * @throws CliError `usage` that names each missing or invalid setting
 */
export function readSettings<Name extends SettingName, Optional extends SettingName = never>(
  names: readonly Name[],
  source: SettingsSource,
  optional: readonly Optional[] = [],
): Pick<Settings, Name> & Partial<Pick<Settings, Optional>> {
  const all = collectSettings(source);
  const parsed = configSchema
    .pick(maskOf([...names, ...optional]))
    .partial(maskOf(optional))
    .safeParse(all);
  if (parsed.success) return parsed.data as Pick<Settings, Name> & Partial<Pick<Settings, Optional>>;
  const keys = parsed.error.issues.map(({ path: [key] }) => String(key));
  const missing = keys.filter((key) => all[key] === undefined);
  if (missing.length > 0) throw createMissingSettingsError(missing);
  const problems = parsed.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`);
  throw new CliError('usage', `Invalid settings: ${problems.join('; ')}`);
}

/** All settings from the environment and from a running `npm start`, not validated. */
export function collectSettings({ env, cwd }: SettingsSource): Record<string, string> {
  const envSettings = omitEmpty(env);
  return { ...readStackSettings(envSettings, cwd), ...envSettings };
}

function maskOf(names: readonly SettingName[]): Record<SettingName, true> {
  return Object.fromEntries(names.map((name) => [name, true])) as Record<SettingName, true>;
}

export function createMissingSettingsError(names: readonly string[]): CliError {
  const verb = names.length > 1 ? 'are' : 'is';
  return new CliError(
    'usage',
    `${names.join(' and ')} ${verb} missing: set ${names.length > 1 ? 'them' : 'it'} in the environment or in a file ` +
      '.env in this folder, or start a development stack with `npm start`, whose settings are then used.',
  );
}

/** An empty value counts as not set, as in every process. */
function omitEmpty(env: SettingsSource['env']): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** If an address of another stack is set, nothing of this one is used: a mixture would address two systems. */
function readStackSettings(envSettings: Record<string, string>, cwd: string): Record<string, string> {
  if (envSettings.NODE_ENV === 'production') return {};
  const stack = readStackFile(resolve(cwd, envSettings.FIELD_DATA_DIR ?? defaultDataFolder, 'stack.json'));
  if (addressNames.some((name) => envSettings[name] !== undefined && envSettings[name] !== stack[name])) return {};
  // Tokens are verified with exactly one of the two, and the environment decides which.
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
    throw new CliError('usage', `${file} cannot be read. Restart \`npm start\`, or remove the file.`, { cause });
  }
}

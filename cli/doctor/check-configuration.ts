/** Validates the settings, reports all problems at once, and selects the usable ones for the other checks. */
import type { z } from 'zod';
import { ConfigError, loadConfig } from '../../shared/config/config.ts';
import { configSchema } from '../../shared/config/settings.ts';
import { type Finding, finding, ok } from './findings.ts';

export type Settings = Partial<z.infer<typeof configSchema>>;
type RawSettings = Readonly<Record<string, string>>;

const subject = 'configuration';

export function checkConfiguration(rawSettings: RawSettings): Finding[] {
  try {
    const { NODE_ENV: mode } = loadConfig(rawSettings);
    return [ok(subject, `all settings are valid (${mode})`)];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => finding(subject, 'setting_invalid', problem));
  }
}

/** The valid settings of a configuration in which others may be invalid. */
export function selectUsableSettings(rawSettings: RawSettings): Settings {
  const usable = Object.entries(configSchema.shape).flatMap(([name, schema]) => {
    const parsed = schema.safeParse(rawSettings[name]);
    return parsed.success ? [[name, parsed.data]] : [];
  });
  return Object.fromEntries(usable);
}

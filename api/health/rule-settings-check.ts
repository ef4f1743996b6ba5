/** Compares the rule settings of an API with those of its installation, once the first worker has recorded them. */
import type { Config } from '../../shared/config/config.ts';
import { describeRuleConflicts, type RuleSettings } from '../../shared/config/rule-settings.ts';
import type { Lifecycle } from '../../shared/process/lifecycle.ts';
import { retry } from '../../shared/process/retry.ts';

const retryDelayMs = 1000;

interface RuleSettingsCheckDeps {
  readonly config: Config;
  readonly readRuleSettings: () => Promise<RuleSettings>;
  readonly lifecycle: Lifecycle;
}

/** @returns the configuration errors, once the settings are recorded */
export async function checkRuleSettings(deps: RuleSettingsCheckDeps): Promise<readonly string[]> {
  const { config, readRuleSettings, lifecycle } = deps;
  const readRecorded = async () => {
    const installed = await readRuleSettings();
    if (installed.GRID_SIZE === undefined) throw new Error('no worker has recorded the rule settings yet');
    return installed;
  };
  try {
    const installed = await retry(readRecorded, {
      initialDelayMs: retryDelayMs,
      maxDelayMs: retryDelayMs,
      signal: lifecycle.signal,
    });
    return describeRuleConflicts({ GRID_SIZE: config.GRID_SIZE }, installed);
  } catch (error) {
    if (lifecycle.isStopping) return [];
    throw error;
  }
}

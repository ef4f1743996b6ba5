/** Applies the rule settings of the environment to the installation, for `npm start` with its own PostgreSQL. */
import { connectDatabase } from '../db/connect.ts';
import { readRuleSettings } from '../db/read/settings/rule-settings.ts';
import { changeRuleSetting } from '../db/write/change-rule-setting.ts';
import type { Config } from '../shared/config/config.ts';
import { ruleSettingNames } from '../shared/config/rule-settings.ts';
import { createLogger } from '../shared/process/logger.ts';

/** Call it before any process runs. @throws Error if the fields have cells outside of the grid */
export async function applyRuleSettings(config: Config, printLine: (line: string) => void): Promise<void> {
  const log = createLogger({ name: 'start', level: 'silent' });
  const db = connectDatabase({ url: config.DATABASE_URL, poolSize: 2, applicationName: 'field-start', log });
  try {
    const installed = await readRuleSettings(db);
    for (const name of ruleSettingNames) {
      const value = config[name];
      if (installed[name] === value) continue;
      await changeRuleSetting(db, { name, value, checksProcesses: false, countWaitingJobs: async () => 0 });
      if (installed[name] !== undefined) printLine(`${name} is ${value} now (before: ${installed[name]})`);
    }
  } finally {
    await db.destroy();
  }
}

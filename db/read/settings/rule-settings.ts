/** Reads the settings that all processes of this installation must share. */
import type { Knex } from 'knex';
import type { RuleSettings } from '../../../shared/config/rule-settings.ts';
import { RuleSettingRow } from '../../models/rule-setting.ts';

/** The recorded values. A new installation has none until its first worker starts. */
export async function readRuleSettings(db: Knex): Promise<RuleSettings> {
  const rows = await RuleSettingRow.query(db).select('name', 'value');
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

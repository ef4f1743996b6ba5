/** `rule_settings`: the values of the settings that all processes of this installation must share. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { type RuleSettingName, type RuleSettings, ruleSettingNames } from '../../shared/config/rule-settings.ts';
import { Row } from './row.ts';

const ruleSettingSchema = z.strictObject({ name: z.enum(ruleSettingNames), value: z.number() });

export class RuleSettingRow extends Row {
  static override readonly tableName = 'rule_settings';
  static override readonly idColumn = 'name';
  static override readonly schema = ruleSettingSchema;

  declare name: RuleSettingName;
  declare value: number;
}

/** Records values, except those that are recorded already. */
export async function recordRuleSettings(db: Knex, settings: RuleSettings): Promise<void> {
  const rows = ruleSettingNames.flatMap((name) => {
    const value = settings[name];
    return value === undefined ? [] : [{ name, value }];
  });
  await RuleSettingRow.query(db).insert(rows).onConflict('name').ignore();
}

export async function setRuleSetting(db: Knex, name: RuleSettingName, value: number): Promise<void> {
  await RuleSettingRow.query(db).insert({ name, value }).onConflict('name').merge();
}

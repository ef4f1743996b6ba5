/** Records the rule settings of the first process of an installation, and compares those of every other with them. */
import type { Knex } from 'knex';
import { ConfigError } from '../../shared/config/config.ts';
import { describeRuleConflicts, type RuleSettings } from '../../shared/config/rule-settings.ts';
import { recordRuleSettings } from '../models/rule-setting.ts';
import { describeCellOutside, findOutermostCell } from '../read/settings/outermost-cell.ts';
import { readRuleSettings } from '../read/settings/rule-settings.ts';

/** @throws ConfigError if they differ from those of the installation, or do not fit the fields that it has */
export async function agreeOnRuleSettings(db: Knex, own: RuleSettings): Promise<void> {
  const installed = await readRuleSettings(db);
  const problems = describeRuleConflicts(own, installed);
  if (own.GRID_SIZE !== undefined && installed.GRID_SIZE === undefined) {
    // The fields of an installation that is older than the record may have cells already.
    const outside = describeCellOutside(await findOutermostCell(db), own.GRID_SIZE);
    if (outside) problems.push(`GRID_SIZE is ${own.GRID_SIZE}, but ${outside}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  await recordRuleSettings(db, own);
  // Another process may have been the first one.
  const conflicts = describeRuleConflicts(own, await readRuleSettings(db));
  if (conflicts.length > 0) throw new ConfigError(conflicts);
}

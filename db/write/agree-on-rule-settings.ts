/** The first process of an installation records its rule settings; every other process compares its own with them. */
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
    // The fields of an installation from before this record may already have cells.
    const outside = describeCellOutside(await findOutermostCell(db), own.GRID_SIZE);
    if (outside) problems.push(`GRID_SIZE is ${own.GRID_SIZE}, but ${outside}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  await recordRuleSettings(db, own);
  // Another process may have recorded its settings first.
  const conflicts = describeRuleConflicts(own, await readRuleSettings(db));
  if (conflicts.length > 0) throw new ConfigError(conflicts);
}

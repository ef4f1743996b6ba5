/**
 * Changes a rule setting for the whole installation. A grid may grow at any time: workers look up its size when an update
 * does not fit. It shrinks only if no cell is outside, and while no process can accept or apply another one.
 */
import type { Knex } from 'knex';
import type { RuleSettingName } from '../../shared/config/rule-settings.ts';
import { setRuleSetting } from '../models/rule-setting.ts';
import { describeCellOutside, findOutermostCell } from '../read/settings/outermost-cell.ts';
import { readRuleSettings } from '../read/settings/rule-settings.ts';

/** The reason of a refusal, as a clause. */
export class RuleChangeRefused extends Error {
  override name = 'RuleChangeRefused';
}

export interface RuleChange {
  readonly name: RuleSettingName;
  readonly value: number;
  /** Whether connected processes prevent the grid from shrinking. */
  readonly checksProcesses: boolean;
  /** Counts the jobs that wait to be applied. */
  readonly countWaitingJobs: (db: Knex) => Promise<number>;
}

/** @returns the value before; undefined if none was recorded @throws RuleChangeRefused */
export async function changeRuleSetting(db: Knex, change: RuleChange): Promise<number | undefined> {
  const { name, value } = change;
  return db.transaction(async (trx) => {
    // A process that starts now waits here, and then reads the new value.
    await trx.raw('LOCK TABLE rule_settings IN ACCESS EXCLUSIVE MODE');
    const before = (await readRuleSettings(trx))[name];
    if (name === 'GRID_SIZE' && value < (before ?? Number.POSITIVE_INFINITY)) await assertNothingOutside(trx, change);
    await setRuleSetting(trx, name, value);
    return before;
  });
}

async function assertNothingOutside(trx: Knex.Transaction, change: RuleChange): Promise<void> {
  const { value, checksProcesses, countWaitingJobs } = change;
  const outside = describeCellOutside(await findOutermostCell(trx), value);
  if (outside) throw new RuleChangeRefused(outside);
  const connected = checksProcesses ? await listProcesses(trx) : [];
  if (connected.length > 0) {
    throw new RuleChangeRefused(`processes are connected (${connected.join(', ')}): stop all APIs and workers first`);
  }
  const waiting = await countWaitingJobs(trx);
  if (waiting > 0)
    throw new RuleChangeRefused(`the queue has unfinished jobs (${waiting}): let the workers apply them first`);
}

/** The names of the processes whose connections this database has (`application_name`). */
async function listProcesses(trx: Knex.Transaction): Promise<string[]> {
  const { rows } = await trx.raw<{ rows: { name: string }[] }>(`
    SELECT DISTINCT application_name AS name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name IN ('field-api', 'field-worker') ORDER BY name`);
  return rows.map(({ name }) => name);
}

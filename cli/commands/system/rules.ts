/** `rules` and `rules set`: the settings that all processes of an installation share. */
import type { Knex } from 'knex';
import { readFallbackQueueStats } from '../../../db/read/fallback-queue-stats.ts';
import { readRuleSettings } from '../../../db/read/settings/rule-settings.ts';
import { changeRuleSetting, RuleChangeRefused } from '../../../db/write/change-rule-setting.ts';
import { type RuleSettingName, ruleSettingNames } from '../../../shared/config/rule-settings.ts';
import { configSchema } from '../../../shared/config/settings.ts';
import type { QueueStats } from '../../../shared/queue/queue-stats.ts';
import { recordActions } from '../../backends/record-action.ts';
import { readRedisQueueStats } from '../../backends/redis-queue-stats.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { openRedis } from '../../backends/with-redis.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { createMissingSettingsError, readSettings } from '../../input/read-settings.ts';
import { renderTable } from '../../output/render-table.ts';

export interface RulesOptions {
  readonly json?: boolean;
}

export interface SetRuleOptions extends RulesOptions {
  readonly yes?: boolean;
}

export async function showRules({ json }: RulesOptions, context: CommandContext): Promise<void> {
  const { DATABASE_URL, ...own } = readSettings(['DATABASE_URL', ...ruleSettingNames], context);
  const installed = await withDatabase(DATABASE_URL, readRuleSettings);
  if (json) return context.print(JSON.stringify(installed));
  const rows = ruleSettingNames.map((name) => [name, String(installed[name] ?? 'not recorded'), String(own[name])]);
  context.print(renderTable([['setting', 'installation', 'environment'], ...rows]));
}

export async function setRule(
  [givenName, givenValue]: readonly [string, string],
  { yes, json }: SetRuleOptions,
  context: CommandContext,
): Promise<void> {
  const name = parseName(givenName);
  const value = parseValue(name, givenValue);
  const settings = readSettings(['DATABASE_URL', 'QUEUE_PREFIX'], context, ['QUEUE_REDIS_URL']);
  const before = await withDatabase(settings.DATABASE_URL, async (db) => {
    const { [name]: current } = await readRuleSettings(db);
    if (name === 'LOG_RETENTION_DAYS' && current !== undefined && value < current && !yes) {
      throw new CliError('negative', `Refused: the log of more than ${value} days ago would be deleted for good.`, {
        hint: 'Add --yes to shorten the retention nevertheless.',
      });
    }
    const countWaitingJobs = (trx: Knex) => countJobs(trx, settings);
    const previous = await changeRuleSetting(db, { name, value, checksProcesses: !yes, countWaitingJobs }).catch(
      explainRefusal,
    );
    await recordActions(db, [{ action: 'rules.set', target: name, details: { before: previous ?? null, value } }]);
    return previous;
  });
  if (json) return context.print(JSON.stringify({ name, before: before ?? null, value }));
  context.print(`${name} is ${value} for this installation (before: ${before ?? 'not recorded'}).`);
  if (before !== value) context.print(`Set ${name}=${value} for every process: with another value it does not start.`);
}

function explainRefusal(error: unknown): never {
  if (error instanceof RuleChangeRefused)
    throw new CliError('negative', `Refused: ${error.message}.`, { cause: error });
  throw error;
}

function parseName(text: string): RuleSettingName {
  const name = ruleSettingNames.find((known) => known === text);
  if (name) return name;
  throw new CliError(
    'usage',
    `${text} is not a setting of the installation; those are ${ruleSettingNames.join(', ')}.`,
  );
}

function parseValue(name: RuleSettingName, text: string): number {
  const parsed = configSchema.shape[name].safeParse(text);
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `${name}: ${parsed.error.issues[0]?.message ?? 'invalid'}`);
}

interface QueueSettings {
  readonly QUEUE_REDIS_URL?: string | undefined;
  readonly QUEUE_PREFIX: string;
}

/** The unfinished jobs in both queues. @throws CliError when the queue's Redis is not set or does not answer */
async function countJobs(db: Knex, { QUEUE_REDIS_URL: url, QUEUE_PREFIX: prefix }: QueueSettings): Promise<number> {
  if (!url) throw createMissingSettingsError(['QUEUE_REDIS_URL']);
  const redis = await openRedis({ url, label: 'the queue', setting: 'QUEUE_REDIS_URL' });
  try {
    const both: QueueStats[] = [await readRedisQueueStats(redis, prefix), await readFallbackQueueStats(db)];
    return both.reduce((sum, { waiting, active, delayed }) => sum + waiting + active + delayed, 0);
  } finally {
    redis.disconnect();
  }
}

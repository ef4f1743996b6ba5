/** `search`: finds entries of the logs by device, user, kind, outcome and time. */
import { type FoundUpdate, type LogSearch, searchLog } from '../../../db/read/log/search-log.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable, truncate } from '../../output/render-table.ts';
import { pluralize } from '../../text/format-numbers.ts';

const contentWidth = 80;
const head = ['time', 'field', 'version', 'device', 'user', 'outcome', 'update'];

export interface SearchOptions extends Omit<LogSearch, 'since' | 'until'> {
  /** In seconds, back from now. */
  readonly since?: number;
  readonly until?: number;
  readonly json?: boolean;
}

export async function printSearch(options: SearchOptions, context: CommandContext): Promise<void> {
  const { since, until, json, ...search } = options;
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  const toTime = (seconds: number) => Date.now() - 1000 * seconds;
  const entries = await withDatabase(DATABASE_URL, (db) =>
    searchLog(db, {
      ...search,
      ...(since === undefined ? {} : { since: toTime(since) }),
      ...(until === undefined ? {} : { until: toTime(until) }),
    }),
  );
  if (json) return context.print(JSON.stringify({ entries }));
  if (entries.length === 0) return context.print('No update matches');
  context.print(renderTable([head, ...entries.map(toRow)]));
  const found = pluralize(entries.length, 'update');
  context.print(entries.length < options.limit ? found : `${found}; there may be more, see --limit`);
}

function toRow({ field, version, time, device, counter, user, outcome, update }: FoundUpdate): string[] {
  return [
    new Date(time).toISOString(),
    field,
    String(version),
    `${device} ${counter}`,
    user ?? '-',
    outcome,
    truncate(JSON.stringify(update), contentWidth),
  ];
}

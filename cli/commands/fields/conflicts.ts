/** `field conflicts`: the newest conflicts of a field, as a table. */
import type { Command } from 'commander';
import { createFieldReader, maxKeptConflicts } from '../../../db/read/field-reader.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Conflict, ConflictingWrite } from '../../../shared/field/registers/conflict-record.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { fieldNotFound } from '../../errors/field-not-found.ts';
import { integerBetween, parseField } from '../../input/parse-arguments.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable, truncate } from '../../output/render-table.ts';

const valueWidth = 40;
const head = ['version', 'time', 'cell', 'local', 'value', 'remote', 'value', 'resolution'];

interface Options {
  limit: number;
  json?: boolean;
}

export function addConflictsCommand(program: Command): void {
  program
    .command('conflicts')
    .description(
      `Lists the newest conflicts of a field: what stood (local), what came (remote), and what became of it.`,
    )
    .argument('<field>', 'the id of the field, for example global', parseField)
    .option('--limit <number>', `how many; ${maxKeptConflicts} are kept`, integerBetween(1, maxKeptConflicts), 20)
    .option('--json', 'prints them as JSON, as the API would')
    .addHelpText('after', '\nExample:\n  $ npx consciousness-field conflicts global --limit 5')
    .action(run);
}

async function run(field: FieldId, { limit, json }: Options): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], process.env);
  const found = await withDatabase(url, (db) => createFieldReader(db).readConflicts(field));
  if (!found) throw fieldNotFound(field);
  const { total } = found;
  const conflicts = found.conflicts.slice(0, limit);
  if (json) return console.log(JSON.stringify({ field, total, conflicts }));
  if (conflicts.length > 0) console.log(renderTable([head, ...conflicts.map(toRow)]));
  console.log(total === 0 ? `${field} has had no conflicts` : `${conflicts.length} of ${total} conflicts of ${field}`);
}

function toRow({ version, time, cell, local, remote, resolution }: Conflict): string[] {
  return [String(version), new Date(time).toISOString(), cell, ...toColumns(local), ...toColumns(remote), resolution];
}

function toColumns({ device, counter, value }: ConflictingWrite): string[] {
  return [`${device} ${counter}`, value === null ? 'removed' : truncate(JSON.stringify(value), valueWidth)];
}

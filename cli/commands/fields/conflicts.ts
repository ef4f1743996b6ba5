/** `conflicts`: the newest conflicts of a field, as a table. */
import { createFieldReader } from '../../../db/read/field-reader.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Conflict, ConflictingWrite } from '../../../shared/field/registers/conflict-record.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { fieldNotFound } from '../../errors/field-errors.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable, truncate } from '../../output/render-table.ts';

const valueWidth = 40;
const head = ['version', 'time', 'cell', 'local', 'value', 'remote', 'value', 'resolution'];

export interface ConflictsOptions {
  readonly limit: number;
  readonly json?: boolean;
}

export async function printConflicts(
  field: FieldId,
  { limit, json }: ConflictsOptions,
  context: CommandContext,
): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], context);
  const found = await withDatabase(url, (db) => createFieldReader(db).readConflicts(field));
  if (!found) throw fieldNotFound(field);
  const { total } = found;
  const conflicts = found.conflicts.slice(0, limit);
  if (json) return context.print(JSON.stringify({ field, total, conflicts }));
  if (conflicts.length > 0) context.print(renderTable([head, ...conflicts.map(toRow)]));
  context.print(total === 0 ? `${field} has no conflicts` : `${conflicts.length} of ${total} conflicts of ${field}`);
}

function toRow({ version, time, cell, local, remote, resolution }: Conflict): string[] {
  return [String(version), new Date(time).toISOString(), cell, ...toColumns(local), ...toColumns(remote), resolution];
}

function toColumns({ device, counter, value }: ConflictingWrite): string[] {
  return [`${device} ${counter}`, value === null ? 'removed' : truncate(JSON.stringify(value), valueWidth)];
}

/** `history`: the changes of a particle or a cell, and which write overrode which. */
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { type RegisterChange, type RegisterRef, readRegisterHistory } from '../../../db/read/log/register-history.ts';
import { particleIdSchema } from '../../../shared/contract/ids.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { ConflictingWrite } from '../../../shared/field/registers/conflict-record.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { fieldNotFound } from '../../errors/field-errors.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable, truncate } from '../../output/render-table.ts';

const valueWidth = 60;
const head = ['version', 'time', 'device', 'user', 'outcome', 'wrote', 'lost'];

export interface HistoryOptions {
  readonly limit: number;
  readonly json?: boolean;
}

/** A particle whose id has the form of a cell is written `particle/3,14`, as in conflict records. @throws CliError `usage` */
function parseRegister(text: string): RegisterRef {
  const [, x, y] = /^(\d{1,4}),(\d{1,4})$/.exec(text) ?? [];
  if (x !== undefined && y !== undefined) return { kind: 'cell', x: Number(x), y: Number(y) };
  const id = particleIdSchema.safeParse(text.replace(/^particle\//, ''));
  if (!id.success) throw new CliError('usage', `${text} is neither the id of a particle nor x,y of a cell.`);
  return { kind: 'particle', id: id.data };
}

/** @param target the id of a particle, or `x,y` */
export async function printHistory(
  { field, target }: { field: FieldId; target: string },
  { limit, json }: HistoryOptions,
  context: CommandContext,
): Promise<void> {
  const register = parseRegister(target);
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], context);
  const { logStart, changes } = await withDatabase(url, async (db) => {
    const page = await createFieldReader(db).readLog(field, 0, 1);
    if (!page) throw fieldNotFound(field);
    return { logStart: page.logStart, changes: await readRegisterHistory(db, field, register, limit) };
  });
  if (json) return context.print(JSON.stringify({ field, ...register, keptAfter: logStart, changes }));
  if (changes.length > 0) context.print(renderTable([head, ...changes.map((change) => toRow(change, register))]));
  const name = register.kind === 'cell' ? `cell ${register.x},${register.y}` : register.id;
  context.print(`${changes.length === 0 ? 'no' : changes.length} changes of ${name} in ${field}`);
  if (logStart > 0) context.print(`The log up to version ${logStart} is no longer stored.`);
}

function toRow(change: RegisterChange, register: RegisterRef): string[] {
  const { version, time, device, counter, user, outcome, resolution } = change;
  return [
    String(version),
    new Date(time).toISOString(),
    `${device} ${counter}`,
    user ?? '-',
    resolution ? `${outcome}: ${resolution}` : outcome,
    truncate(describeWrite(change, register), valueWidth),
    describeLostWrite(change),
  ];
}

function describeWrite({ update }: RegisterChange, register: RegisterRef): string {
  switch (update.kind) {
    case 'particle.put': {
      const { kind, id, counter, timestamp, seen, clock, ...attributes } = update;
      return JSON.stringify(attributes);
    }
    case 'particle.remove':
      return 'removed';
    case 'cells.set': {
      const cell = update.cells.find(({ x, y }) => register.kind === 'cell' && x === register.x && y === register.y);
      return String(cell?.value);
    }
    case 'event':
      throw new TypeError('an event writes no register');
    default:
      return update satisfies never;
  }
}

/** The write that was overridden. When two writes were merged, parts of each were. */
function describeLostWrite({ conflict, outcome, resolution }: RegisterChange): string {
  if (outcome === 'superseded') return 'this one, to a later write of its own device';
  if (!conflict) return resolution ? 'no longer stored' : '';
  if (conflict.resolution === 'kept_local') return `this one, to ${describeConflictingWrite(conflict.local)}`;
  const loser = describeConflictingWrite(conflict.local);
  return conflict.resolution === 'merged' ? `parts of this one and of ${loser}` : loser;
}

function describeConflictingWrite({ device, counter, value }: ConflictingWrite): string {
  return `${device} ${counter} (${value === null ? 'removed' : truncate(JSON.stringify(value), valueWidth)})`;
}

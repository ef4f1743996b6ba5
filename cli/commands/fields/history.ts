/** `field history`: who changed a particle or a cell, when, what was written, and what lost to what. */
import { type Command, InvalidArgumentError } from 'commander';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { type RegisterChange, type RegisterRef, readRegisterHistory } from '../../../db/read/register-history.ts';
import { particleIdSchema } from '../../../shared/contract/ids.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { ConflictingWrite } from '../../../shared/field/registers/conflict-record.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { fieldNotFound } from '../../errors/field-not-found.ts';
import { integerBetween, parseField } from '../../input/parse-arguments.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable, truncate } from '../../output/render-table.ts';

const valueWidth = 60;
const head = ['version', 'time', 'device', 'user', 'outcome', 'wrote', 'lost'];

interface Options {
  limit: number;
  json?: boolean;
}

export function addHistoryCommand(program: Command): void {
  program
    .command('history')
    .description('Lists who changed a particle or a cell, the newest first: what they wrote, and what lost to what.')
    .argument('<field>', 'the id of the field, for example global', parseField)
    .argument('<particle>', 'the id of a particle, or the place x,y of a cell', parseRegister)
    .option('--limit <number>', 'how many changes', integerBetween(1, 10_000), 20)
    .option('--json', 'prints them as JSON, with whole values')
    .addHelpText(
      'after',
      '\nThe log goes back as far as it is kept (LOG_RETENTION_DAYS). Of conflicts, both values are kept for the newest' +
        '\n50 of a field.\n\nExample:\n  $ npx consciousness-field history global star\n  $ npx consciousness-field history global 3,14 --limit 5',
    )
    .action(run);
}

/** Whoever has given a particle a name like a cell's says `particle/3,14`, as conflict records do. */
function parseRegister(text: string): RegisterRef {
  const [, x, y] = /^(\d{1,4}),(\d{1,4})$/.exec(text) ?? [];
  if (x !== undefined && y !== undefined) return { kind: 'cell', x: Number(x), y: Number(y) };
  const id = particleIdSchema.safeParse(text.replace(/^particle\//, ''));
  if (!id.success) throw new InvalidArgumentError('Say the id of a particle, or x,y for a cell.');
  return { kind: 'particle', id: id.data };
}

async function run(field: FieldId, register: RegisterRef, { limit, json }: Options): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], process.env);
  const { oldest, changes } = await withDatabase(url, async (db) => {
    const page = await createFieldReader(db).readLog(field, 0, 1);
    if (!page) throw fieldNotFound(field);
    return { oldest: page.oldest, changes: await readRegisterHistory(db, field, register, limit) };
  });
  if (json) return console.log(JSON.stringify({ field, ...register, keptAfter: oldest, changes }));
  if (changes.length > 0) console.log(renderTable([head, ...changes.map((change) => toRow(change, register))]));
  const name = register.kind === 'cell' ? `cell ${register.x},${register.y}` : register.id;
  console.log(`${changes.length === 0 ? 'no' : changes.length} changes of ${name} in ${field}`);
  if (oldest > 0) console.log(`The log up to version ${oldest} is no longer kept.`);
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
  if (update.kind === 'particle.remove') return 'removed';
  if (update.kind === 'cells.set') {
    const cell = update.cells.find(({ x, y }) => register.kind === 'cell' && x === register.x && y === register.y);
    return String(cell?.value);
  }
  const { kind, id, counter, timestamp, seen, clock, ...attributes } = update as Extract<
    RegisterChange['update'],
    { kind: 'particle.put' }
  >;
  return JSON.stringify(attributes);
}

/** Whose value did not stand. Of what was merged, each side kept something. */
function describeLostWrite({ conflict, outcome, resolution }: RegisterChange): string {
  if (outcome === 'superseded') return 'this one, to a later write of its own device';
  if (!conflict) return resolution ? 'no longer kept' : '';
  if (conflict.resolution === 'kept_local') return `this one, to ${describeSide(conflict.local)}`;
  const loser = describeSide(conflict.local);
  return conflict.resolution === 'merged' ? `parts of this one and of ${loser}` : loser;
}

function describeSide({ device, counter, value }: ConflictingWrite): string {
  return `${device} ${counter} (${value === null ? 'removed' : truncate(JSON.stringify(value), valueWidth)})`;
}

/** `import-legacy`: imports the database of the original system, as the base of a field that has no updates. */
import type { Knex } from 'knex';
import { ImportRefused, importLog } from '../../../db/import/import-log.ts';
import { type OriginalRows, OriginalUnreadable, readOriginal } from '../../../db/import/read-original.ts';
import { StateRow } from '../../../db/models/state-row.ts';
import { findErasureKeyProblem } from '../../../db/read/settings/erasure-key.ts';
import { agreeOnRuleSettings } from '../../../db/write/agree-on-rule-settings.ts';
import { ConfigError } from '../../../shared/config/config.ts';
import { formatCursor } from '../../../shared/field/cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { createPseudonyms, type Pseudonyms } from '../../../shared/history/pseudonyms.ts';
import { recordActions } from '../../backends/record-action.ts';
import { describeAddress, withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { convertOriginal, type ImportedBase, importedDevice } from '../../legacy/convert-original.ts';

export interface ImportLegacyOptions {
  readonly field: FieldId;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type Status = 'imported' | 'imported before' | 'dry run';

export async function importLegacy(url: string, options: ImportLegacyOptions, context: CommandContext): Promise<void> {
  const { field, dryRun, json } = options;
  const settings = readSettings(['DATABASE_URL', 'GRID_SIZE', 'SNAPSHOT_EVERY'], context, ['ERASURE_KEY']);
  const rows = await readRows(url);
  const base = convertOriginal(rows, { field, gridSize: settings.GRID_SIZE });
  const status = await withDatabase(settings.DATABASE_URL, async (db): Promise<Status> => {
    const isRepeated = await findEarlierImport(db, base);
    if (isRepeated) return 'imported before';
    const pseudonyms = createPseudonyms(settings.ERASURE_KEY);
    await assertNotErased(db, field, pseudonyms);
    if (dryRun) return 'dry run';
    await agree(db, settings.GRID_SIZE);
    await recordActions(db, [{ action: 'import-legacy', target: field, details: { from: describeAddress(url) } }]);
    await writeBase(db, base, { pseudonyms, snapshotEvery: settings.SNAPSHOT_EVERY });
    return 'imported';
  });
  print(base, status, { json, context, from: describeAddress(url) });
}

/** @throws CliError `negative`, `unreachable` */
async function readRows(url: string): Promise<OriginalRows> {
  try {
    return await withDatabase(url, (db) => readOriginal(db).catch((error) => explainUnreadable(error, url)));
  } catch (error) {
    if (!(error instanceof CliError) || error.exit !== 'unreachable') throw error;
    const hint = "Check the address of the original's database, and that this machine may connect to it.";
    throw new CliError('unreachable', error.message, { hint, cause: error });
  }
}

function explainUnreadable(error: unknown, url: string): never {
  if (!(error instanceof OriginalUnreadable)) throw error;
  const message = `The database at ${describeAddress(url)} cannot be taken over. ${error.message}`;
  throw new CliError('negative', message, { hint: 'Nothing was imported.', cause: error });
}

/** @returns whether the same rows were imported into the field before. @throws CliError `negative` if the field has other updates */
async function findEarlierImport(db: Knex, { header }: ImportedBase): Promise<boolean> {
  const row = await StateRow.query(db).findById(header.field).select('version', 'genesis');
  if (!row || row.version === 0) return false;
  if (row.genesis === header.genesis) return true;
  throw new CliError(
    'negative',
    `${header.field} already has ${row.version} versions, and they did not begin with what the original has now.`,
    {
      // Erasing the field would also lose what was written since the import.
      hint: `Choose a field without updates (--field)${row.version > header.version ? '' : ', or erase this one first: npx consciousness-field erase --help'}.`,
    },
  );
}

/** Erased data must not come back. @throws CliError `usage`, `negative` */
async function assertNotErased(db: Knex, field: FieldId, pseudonyms: Pseudonyms | undefined): Promise<void> {
  const problem = await findErasureKeyProblem(db, pseudonyms);
  if (problem) throw new CliError('usage', `${problem}.`);
  if (!pseudonyms) return;
  const erased = await db('erased_counters')
    .where({ pseudonym: pseudonyms.ofWriter(field, importedDevice) })
    .first('counter');
  if (!erased) return;
  throw new CliError('negative', `What was imported into ${field} before has been erased, and is not imported again.`, {
    hint: 'Choose another field, if it may come back.',
  });
}

/** @throws CliError `usage` */
async function agree(db: Knex, gridSize: number): Promise<void> {
  try {
    await agreeOnRuleSettings(db, { GRID_SIZE: gridSize });
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError('usage', `${error.problems.join('\n')}.`, { cause: error });
    throw error;
  }
}

async function writeBase(
  db: Knex,
  { header, lines }: ImportedBase,
  options: { readonly pseudonyms: Pseudonyms | undefined; readonly snapshotEvery: number },
): Promise<void> {
  try {
    await importLog(db, header.field, { ...options, header, lines: iterate(lines), onVersion: () => undefined });
  } catch (error) {
    // Somebody has written to the field since the check.
    if (!(error instanceof ImportRefused)) throw error;
    throw new CliError('negative', `The import ${error.message}`, { hint: 'Nothing was imported.', cause: error });
  }
}

async function* iterate<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

function print(
  { header, report }: ImportedBase,
  status: Status,
  {
    json,
    context,
    from,
  }: { readonly json: boolean | undefined; readonly context: CommandContext; readonly from: string },
): void {
  const { field, version, hash } = header;
  const cursor = formatCursor(version, hash);
  if (json) {
    context.print(JSON.stringify({ field, status, version, cursor, ...report.toJson() }));
    return;
  }
  context.print(report.render());
  const texts = {
    imported: `Imported from ${from} into ${field}, version ${version}, cursor ${cursor}`,
    'imported before': `${field} began with the same already: nothing was changed`,
    'dry run': `This was a dry run: nothing was written to ${field}`,
  };
  context.print(texts[status]);
}

/** `import`: copies an exported log, entry by entry, into a field that has no updates. */
import type { Knex } from 'knex';
import { type ImportLine, ImportRefused, importLog } from '../../../db/import/import-log.ts';
import { findErasureKeyProblem } from '../../../db/read/settings/erasure-key.ts';
import { agreeOnRuleSettings } from '../../../db/write/agree-on-rule-settings.ts';
import { ConfigError } from '../../../shared/config/config.ts';
import { formatCursor } from '../../../shared/field/cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { createPseudonyms } from '../../../shared/history/pseudonyms.ts';
import { recordActions } from '../../backends/record-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { openInputs } from '../../enqueue/input/open-inputs.ts';
import { type Line, readLines } from '../../enqueue/input/read-lines.ts';
import { CliError } from '../../errors/cli-error.ts';
import { ruleSettingsDiffer } from '../../errors/field-errors.ts';
import { createLogLineParser } from '../../exchange/parse-log-lines.ts';
import { readSettings } from '../../input/read-settings.ts';
import { startProgress } from '../../output/progress.ts';
import { pluralize } from '../../text/format-numbers.ts';

/** A line may have a whole state: 4 MiB of particles, as many of tombstones, and their stamps. */
const maxLineBytes = 64 * 1024 * 1024;

export interface ImportOptions {
  readonly json?: boolean;
}

export async function importField(
  { file, field }: { readonly file: string; readonly field: FieldId },
  { json }: ImportOptions,
  context: CommandContext,
): Promise<void> {
  const settings = readSettings(['DATABASE_URL', 'GRID_SIZE', 'SNAPSHOT_EVERY'], context, ['ERASURE_KEY']);
  const [input] = openInputs([file], context);
  if (!input) return;
  const signal = context.catchShutdownSignals();
  const progress = startProgress(context.stderr);
  const reading = { location: { file: input.name, line: 0 } };
  try {
    const imported = await withDatabase(settings.DATABASE_URL, async (db) => {
      const pseudonyms = createPseudonyms(settings.ERASURE_KEY);
      await assertSettingsFit(db, settings.GRID_SIZE, pseudonyms);
      const parser = createLogLineParser(settings.GRID_SIZE);
      const lines = eachLine(readLines(input, signal, maxLineBytes), reading);
      const first = await lines.next();
      if (first.done) throw new ImportRefused('is missing: the file has no lines');
      const header = parser.header(first.value);
      await recordActions(db, [{ action: 'import', target: field, details: { from: header.field } }]);
      return importLog(db, field, {
        ...{ header, pseudonyms, snapshotEvery: settings.SNAPSHOT_EVERY },
        lines: parseLines(lines, parser.line, signal),
        onVersion: (version) => {
          const total = Math.max(version, header.version) - header.oldest;
          progress.show({ done: version - header.oldest, total, text: `version ${version} of ${header.version}` });
        },
      });
    });
    progress.stop();
    const { version, hash, entries } = imported;
    const cursor = formatCursor(version, hash);
    if (json) context.print(JSON.stringify({ field, version, cursor, entries }));
    else
      context.print(
        `${pluralize(entries, 'log entry', 'log entries')} imported into ${field}, version ${version}, cursor ${cursor}`,
      );
  } catch (error) {
    if (signal.aborted) {
      context.warn('Stopped: nothing was imported.');
      return context.setExitCode('stopped');
    }
    if (!(error instanceof ImportRefused)) throw error;
    const { location } = reading;
    throw new CliError('negative', `${location.file}:${location.line}: ${error.message}`, {
      hint:
        'Nothing was imported. If the field is in use, choose another one; if the file was changed or cut, export the log again ' +
        'with `npx consciousness-field export FIELD --out FILE`.',
      cause: error,
    });
  } finally {
    progress.stop();
  }
}

/** @throws CliError `usage` */
async function assertSettingsFit(db: Knex, gridSize: number, pseudonyms: ReturnType<typeof createPseudonyms>) {
  const keyProblem = await findErasureKeyProblem(db, pseudonyms);
  if (keyProblem) {
    throw new CliError('usage', `${keyProblem}.`, { hint: 'Set ERASURE_KEY to the value that the workers have.' });
  }
  try {
    await agreeOnRuleSettings(db, { GRID_SIZE: gridSize });
  } catch (error) {
    if (error instanceof ConfigError) throw ruleSettingsDiffer(error);
    throw error;
  }
}

/** @param reading is updated with the location of the current line */
async function* eachLine(chunks: AsyncIterable<Line[]>, reading: { location: Line['location'] }): AsyncGenerator<Line> {
  for await (const lines of chunks) {
    for (const line of lines) {
      reading.location = line.location;
      yield line;
    }
  }
}

async function* parseLines(
  lines: AsyncIterable<Line>,
  parse: (line: Line) => ImportLine,
  signal: AbortSignal,
): AsyncGenerator<ImportLine> {
  for await (const line of lines) yield parse(line);
  signal.throwIfAborted();
}

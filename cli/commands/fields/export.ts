/** `export`: writes the log or the state of a field as NDJSON. */

import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { recordActions } from '../../backends/record-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { fieldNotFound } from '../../errors/field-errors.ts';
import { type ExportProgress, exportLog, exportState } from '../../exchange/export-lines.ts';
import { checkOutput, isOutputClosed, writeOutput } from '../../exchange/output-file.ts';
import { readSettings } from '../../input/read-settings.ts';
import { startProgress } from '../../output/progress.ts';
import { formatCount, pluralize } from '../../text/format-numbers.ts';

const refreshMs = 100;

export interface ExportOptions {
  readonly state?: boolean;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function exportField(
  field: FieldId,
  { state: isState = false, out: file, force, json }: ExportOptions,
  context: CommandContext,
): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], context);
  const signal = context.catchShutdownSignals();
  const output = { file, force, signal };
  checkOutput(output, context);
  const what = isState ? 'state' : 'log';
  const done: ExportProgress = { done: 0, total: 0, version: 0 };
  const progress = startProgress(context.stderr);
  const show = () => progress.show({ ...done, text: `${done.done} of ${done.total}` });
  const ticker = setInterval(show, refreshMs);
  try {
    await withDatabase(url, async (db) => {
      // Recorded before anything is read, so that no personal data leaves without a record.
      await recordActions(db, [{ action: 'export', target: field, details: { what } }]);
      await writeOutput((isState ? exportState : exportLog)(db, field, done), output, context);
    });
  } catch (error) {
    if (signal.aborted || isOutputClosed(error)) return context.setExitCode('stopped');
    throw explain(error, field);
  } finally {
    clearInterval(ticker);
    progress.stop();
  }
  const summary = { field, what, version: done.version, lines: done.done, file: file ?? null };
  const written = isState
    ? `${formatCount(done.done)} particles and cells`
    : pluralize(done.done, 'log entry', 'log entries');
  const sentence = `${written} of ${field}, version ${done.version}`;
  if (file === undefined) context.warn(sentence);
  else context.print(json ? JSON.stringify(summary) : `${sentence}, written to ${file}`);
}

function explain(error: unknown, field: FieldId): unknown {
  if (!(error instanceof FieldError)) return error;
  if (error.code === 'field_not_found') return fieldNotFound(field);
  return new CliError('negative', `Entries of ${field} were deleted by retention during the export. Run it again.`, {
    cause: error,
  });
}

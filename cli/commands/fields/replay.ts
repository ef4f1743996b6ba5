/** `replay`: folds the log from the oldest stored snapshot, and prints or compares the result. */
import { replayField } from '../../../db/read/replay-field.ts';
import { type FieldVerification, verifyField } from '../../../db/read/verify-field.ts';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { explainVersionError, fieldNotFound } from '../../errors/field-errors.ts';
import { readSettings } from '../../input/read-settings.ts';
import { startProgress } from '../../output/progress.ts';
import { pluralize } from '../../text/format-numbers.ts';

export interface ReplayOptions {
  readonly to?: number;
  readonly check?: boolean;
  readonly json?: boolean;
}

export async function replay(
  field: FieldId,
  { to, check, json }: ReplayOptions,
  context: CommandContext,
): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], context);
  const progress = startProgress(context.stderr);
  const onVersion = (version: number, until: number) =>
    progress.show({ done: version, total: until, text: `version ${version} of ${until}` });
  try {
    if (check) {
      const verification = await withDatabase(url, (db) => verifyField(db, field, { to, onVersion }));
      progress.stop();
      return printVerification(verification, json, context);
    }
    const state = await withDatabase(url, (db) => replayField(db, field, { to, onVersion }));
    progress.stop();
    const text = serializeState(toFragments(state)).toString();
    context.print(json ? text : JSON.stringify(JSON.parse(text), null, 2));
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw error.code === 'field_not_found' ? fieldNotFound(field) : explainVersionError(error, field, to);
  } finally {
    progress.stop();
  }
}

function printVerification(verification: FieldVerification, json: boolean | undefined, context: CommandContext): void {
  const { field, version, replayedFrom, snapshotsCompared, differences } = verification;
  if (differences.length > 0) context.setExitCode('negative');
  if (json) {
    context.print(JSON.stringify(verification));
    return;
  }
  for (const difference of differences) context.print(difference);
  const replayed = `${pluralize(version - replayedFrom, 'update')} replayed up to version ${version}`;
  const label = differences.length > 0 ? 'DIFFERS' : 'ok';
  context.print(`${label}  ${field}  ${replayed}, ${pluralize(snapshotsCompared, 'snapshot')} compared`);
}

/** `field replay`: folds the log again from the oldest state that is kept, and shows or compares what comes out. */
import type { Command } from 'commander';
import { replayField } from '../../../db/read/replay-field.ts';
import { type FieldVerification, verifyField } from '../../../db/read/verify-field.ts';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { renderBody, serializeState } from '../../../shared/cache/state-serializer.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { exitCodes } from '../../errors/cli-error.ts';
import { fieldNotFound } from '../../errors/field-not-found.ts';
import { explainVersionError } from '../../errors/version-errors.ts';
import { integerBetween, parseField } from '../../input/parse-arguments.ts';
import { readSettings } from '../../input/read-settings.ts';
import { pluralize } from '../../output/format-numbers.ts';
import { startProgress } from '../../output/progress.ts';

interface Options {
  to?: number;
  check?: boolean;
  json?: boolean;
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('Folds the log of a field again, from the oldest state that is kept, and prints the state.')
    .argument('<field>', 'the id of the field, for example global', parseField)
    .option('--to <version>', 'stops after this version', integerBetween(0, Number.MAX_SAFE_INTEGER))
    .option(
      '--check',
      'compares every outcome and every snapshot on the way instead of printing; exit code 1 if any differs',
    )
    .option('--json', 'on one line: the state byte for byte as the API sends it, or the comparison')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx consciousness-field replay global --to 1000\n  $ npx consciousness-field replay global --check',
    )
    .action(run);
}

async function run(field: FieldId, { to, check, json }: Options): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], process.env);
  const progress = startProgress(process.stderr);
  const onVersion = (version: number, until: number) =>
    progress.show({ done: version, total: until, text: `version ${version} of ${until}` });
  try {
    if (check) {
      const verification = await withDatabase(url, (db) => verifyField(db, field, { to, onVersion }));
      progress.stop();
      return printVerification(verification, json);
    }
    const state = await withDatabase(url, (db) => replayField(db, field, { to, onVersion }));
    progress.stop();
    const text = renderBody(serializeState(toFragments(state)).state, 0).toString();
    console.log(json ? text : JSON.stringify(JSON.parse(text), null, 2));
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw error.code === 'field_not_found' ? fieldNotFound(field) : explainVersionError(error, field, to);
  } finally {
    progress.stop();
  }
}

function printVerification(verification: FieldVerification, json: boolean | undefined): void {
  const { field, version, replayedFrom, snapshotsCompared, differences } = verification;
  if (differences.length > 0) process.exitCode = exitCodes.no;
  if (json) {
    console.log(JSON.stringify(verification));
    return;
  }
  for (const difference of differences) console.log(difference);
  const replayed = `${pluralize(version - replayedFrom, 'update')} replayed up to version ${version}`;
  const label = differences.length > 0 ? 'DIFFERS' : 'ok';
  console.log(`${label}  ${field}  ${replayed}, ${pluralize(snapshotsCompared, 'snapshot')} compared`);
}

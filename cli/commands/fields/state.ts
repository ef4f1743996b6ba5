/** `field state`: the state of a field as PostgreSQL has it, now or at a version. */
import type { Command } from 'commander';
import { createFieldReader, type FieldReader } from '../../../db/read/field-reader.ts';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { renderBody, serializeState } from '../../../shared/cache/state-serializer.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { FieldState } from '../../../shared/field/state.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { fieldNotFound } from '../../errors/field-not-found.ts';
import { explainVersionError } from '../../errors/version-errors.ts';
import { integerBetween, parseField } from '../../input/parse-arguments.ts';
import { readSettings } from '../../input/read-settings.ts';

interface Options {
  at?: number;
  summary?: boolean;
  json?: boolean;
}

export function addStateCommand(program: Command): void {
  program
    .command('state')
    .description('Prints the state of a field, as the API would, from PostgreSQL.')
    .argument('<field>', 'the id of the field, for example global', parseField)
    .option('--at <version>', 'as it was at this version', integerBetween(0, Number.MAX_SAFE_INTEGER))
    .option('--summary', 'without particles and cells')
    .option('--json', 'on one line, byte for byte what the API sends')
    .addHelpText('after', '\nExample:\n  $ npx consciousness-field state global --summary')
    .action(run);
}

async function run(field: FieldId, { at, summary, json }: Options): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], process.env);
  const state = await withDatabase(url, (db) => loadState(createFieldReader(db), field, at));
  const rendered = serializeState(toFragments(state));
  const text = renderBody(summary ? rendered.summary : rendered.state, 0).toString();
  console.log(json ? text : JSON.stringify(JSON.parse(text), null, 2));
}

async function loadState(reader: FieldReader, field: FieldId, at: number | undefined): Promise<FieldState> {
  try {
    const state = at === undefined ? await reader.loadState(field) : await reader.loadStateAt(field, at);
    if (state) return state;
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    if (error.code !== 'field_not_found') throw explainVersionError(error, field, at);
  }
  throw fieldNotFound(field);
}

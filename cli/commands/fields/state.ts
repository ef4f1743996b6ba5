/** `state`: the state of a field from PostgreSQL, now or at a version. */
import { createFieldReader, type FieldReader } from '../../../db/read/field-reader.ts';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState, summarizeState } from '../../../shared/cache/state-serializer.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { FieldState } from '../../../shared/field/state.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { explainVersionError, fieldNotFound } from '../../errors/field-errors.ts';
import { readSettings } from '../../input/read-settings.ts';

export interface StateOptions {
  readonly at?: number;
  readonly summary?: boolean;
  readonly json?: boolean;
}

export async function printState(
  field: FieldId,
  { at, summary, json }: StateOptions,
  context: CommandContext,
): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], context);
  const state = await withDatabase(url, (db) => loadState(createFieldReader(db), field, at));
  const fragments = toFragments(state);
  const text = summary ? JSON.stringify(summarizeState(fragments)) : serializeState(fragments).toString();
  context.print(json ? text : JSON.stringify(JSON.parse(text), null, 2));
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

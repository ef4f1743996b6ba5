/** The answer to a question about a field that nobody has written to. */
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError } from './cli-error.ts';

export function fieldNotFound(field: FieldId): CliError {
  return new CliError('no', `There is no field ${field}: a field exists once an update has been applied to it.`);
}

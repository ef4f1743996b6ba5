/** Errors about a field, or a version of it, that cannot be read. */
import type { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError } from './cli-error.ts';

export function fieldNotFound(field: FieldId): CliError {
  return new CliError('negative', `There is no field ${field}: a field exists once an update has been applied to it.`);
}

/** @param version the one that was requested */
export function explainVersionError(error: FieldError, field: FieldId, version: number | undefined): CliError {
  const reason = error.code === 'version_ahead' ? 'has not reached' : 'no longer stores';
  return new CliError('negative', `${field} ${reason} version ${version}. ${error.detail ?? ''}`.trim(), {
    cause: error,
  });
}

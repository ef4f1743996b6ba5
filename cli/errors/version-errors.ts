/** The answer to a question about a version that a field has not reached, or no longer keeps. */
import type { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError } from './cli-error.ts';

export function explainVersionError(error: FieldError, field: FieldId, version: number | undefined): CliError {
  const reason = error.code === 'version_ahead' ? 'has not reached' : 'no longer keeps';
  return new CliError('no', `${field} ${reason} version ${version}. ${error.detail ?? ''}`.trim(), { cause: error });
}

/** Errors about a field, or a version of it, that cannot be read. */
import type { ConfigError } from '../../shared/config/config.ts';
import type { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError } from './cli-error.ts';

export function fieldNotFound(field: FieldId): CliError {
  return new CliError('negative', `There is no field ${field}: a field exists once an update has been applied to it.`, {
    hint: 'Check its id: `npx consciousness-field status` lists fields.',
  });
}

/** @param version the one that was requested */
export function explainVersionError(error: FieldError, field: FieldId, version: number | undefined): CliError {
  const reason = error.code === 'version_ahead' ? 'has not reached' : 'no longer stores';
  return new CliError('negative', `${field} ${reason} version ${version}. ${error.detail ?? ''}`.trim(), {
    hint: `\`npx consciousness-field state ${field} --summary\` shows the current version.`,
    cause: error,
  });
}

/** The settings of this command and those of the installation would give different results. */
export function ruleSettingsDiffer(error: ConfigError): CliError {
  return new CliError('usage', `${error.problems.join('\n')}.`, {
    hint: '`npx consciousness-field rules` shows what the installation uses: set the same here.',
    cause: error,
  });
}

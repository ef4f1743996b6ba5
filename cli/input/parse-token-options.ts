/** Parsers of the fields and scopes of a token, by the schema of the contract. */
import { fieldPatternSchema, type Scope, scopes } from '../../shared/contract/token.ts';
import { CliError } from '../errors/cli-error.ts';

/** @throws CliError `usage` */
export function parsePatterns(text: string): string[] {
  return text.split(',').map((item) => {
    const pattern = fieldPatternSchema.safeParse(item.trim());
    if (pattern.success) return pattern.data;
    throw new CliError('usage', `--fields: "${item}" is neither an id, nor a pattern such as team-*, nor *.`);
  });
}

/** @throws CliError `usage` */
export function parseScopes(text: string): Scope[] {
  return text
    .trim()
    .split(/[\s,]+/)
    .map((given) => {
      const scope = scopes.find((known) => known === given);
      if (!scope) throw new CliError('usage', `--scope: "${given}" is not one of ${scopes.join(', ')}.`);
      return scope;
    });
}

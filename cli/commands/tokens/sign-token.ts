/** `token`: signs a token for a device or a user with the shared secret. */
import { signToken } from '../../../shared/auth/jwt.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import { secondsPerDay } from '../../../shared/time-units.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { parsePatterns, parseScopes } from '../../input/parse-token-options.ts';
import { createMissingSettingsError, readSettings } from '../../input/read-settings.ts';

const maxUserLength = 256;

export interface TokenOptions {
  readonly device?: DeviceId;
  readonly user?: string;
  /** Patterns, comma-separated. */
  readonly fields: string;
  /** Scopes, separated by commas or spaces. */
  readonly scope: string;
  /** In seconds. */
  readonly expires: number;
  readonly json?: boolean;
}

export async function printToken(options: TokenOptions, context: CommandContext): Promise<void> {
  const { device, user, expires: expiresInSeconds, json } = options;
  const fields = parsePatterns(options.fields);
  const scope = parseScopes(options.scope);
  const sub = user ?? device;
  if (!sub || sub.length > maxUserLength) {
    const message = `Specify the holder: --device ID, or --user SUB of at most ${maxUserLength} characters.`;
    throw new CliError('usage', message);
  }
  if (!device && scope.includes('field:write')) {
    const message = 'Only a device can write: add --device ID, or use a --scope without field:write.';
    throw new CliError('usage', message);
  }
  const { key, maxDays } = readSigningKey(context);
  if (expiresInSeconds > maxDays * secondsPerDay) {
    throw new CliError(
      'usage',
      `A token is valid for at most ${maxDays} days (TOKEN_MAX_DAYS): choose a shorter --expires.`,
    );
  }
  const { token, expiresAt, tokenId } = await signToken({ sub, device, fields, scope, expiresInSeconds }, key);
  const claims = { token, tokenId, expiresAt, sub, device, fields, scope: scope.join(' ') };
  context.print(json ? JSON.stringify(claims) : token);
}

/** @throws CliError `usage` without a secret */
function readSigningKey(context: CommandContext) {
  const { JWT_SECRET: secret, ...settings } = readSettings(
    ['JWT_SECRET', 'JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'TOKEN_MAX_DAYS'],
    context,
  );
  if (secret) {
    const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, TOKEN_MAX_DAYS: maxDays } = settings;
    return { key: { secret, issuer, audience }, maxDays };
  }
  if (!settings.JWKS_URL) throw createMissingSettingsError(['JWT_SECRET']);
  throw new CliError(
    'usage',
    'With JWKS_URL, tokens are signed by the owner of those keys; this command signs with JWT_SECRET only.',
  );
}

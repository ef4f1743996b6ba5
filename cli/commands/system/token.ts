/** `field token`: signs a token for a device or a person with the shared secret. Taking it back: token-revocations.ts. */
import type { Command } from 'commander';
import { signToken } from '../../../shared/auth/jwt.ts';
import type { Scope } from '../../../shared/contract/token.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import { CliError } from '../../errors/cli-error.ts';
import { parseDevice, parseDuration, parsePatterns, parseScopes } from '../../input/parse-arguments.ts';
import { createMissingSettingsError, readSettings } from '../../input/read-settings.ts';
import { addRevocationCommands } from './token-revocations.ts';

interface Options {
  device?: DeviceId;
  user?: string;
  fields: string[];
  scope: Scope[];
  expires?: number;
  json?: boolean;
}

const defaultScope: Scope[] = ['field:read', 'field:write'];
const defaultExpiry = '30d';

export function addTokenCommand(program: Command): void {
  const command = program
    .command('token')
    .description('Prints a token for the API, signed with JWT_SECRET.')
    .enablePositionalOptions()
    .option('--device <id>', 'the device that may write as itself', parseDevice)
    .option('--user <sub>', 'whose token it is (default: the device)')
    .option('--fields <patterns>', 'the fields: ids, patterns such as team-*, or *, with commas', parsePatterns, ['*'])
    .option('--scope <scopes>', 'of field:read, field:write and operator', parseScopes, defaultScope)
    .option(
      '--expires <duration>',
      `when it runs out: 90s, 45m, 12h, 30d, 2w (default: ${defaultExpiry})`,
      parseDuration,
    )
    .option('--json', 'prints the token and what it says as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ curl -H "Authorization: Bearer $(npx consciousness-field token --device phone-1)" http://127.0.0.1:3000/api/fields/global',
    )
    .action(run);
  addRevocationCommands(command);
}

async function run({
  device,
  user,
  fields,
  scope,
  expires = parseDuration(defaultExpiry),
  json,
}: Options): Promise<void> {
  const sub = user ?? device;
  if (!sub || sub.length > 256) {
    throw new CliError('usage', 'Whose token is it to be? Say --device ID, or --user SUB of at most 256 characters.');
  }
  if (!device && scope.includes('field:write')) {
    throw new CliError(
      'usage',
      'Only a device can write: say --device ID, or --scope "field:read" without field:write.',
    );
  }
  const { JWT_SECRET: secret, ...settings } = readSettings(
    ['JWT_SECRET', 'JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE'],
    process.env,
  );
  if (!secret && settings.JWKS_URL) {
    throw new CliError(
      'usage',
      'With JWKS_URL, tokens are signed by who owns those keys; this command only signs with JWT_SECRET.',
    );
  }
  if (!secret) throw createMissingSettingsError(['JWT_SECRET']);
  const key = { secret, issuer: settings.JWT_ISSUER, audience: settings.JWT_AUDIENCE };
  const { token, expiresAt, tokenId } = await signToken({ sub, device, fields, scope, expiresInSeconds: expires }, key);
  if (json)
    return console.log(JSON.stringify({ token, tokenId, expiresAt, sub, device, fields, scope: scope.join(' ') }));
  console.log(token);
}

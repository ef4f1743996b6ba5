/**
 * The tokens of `enqueue --api`, by their devices. They come from the environment or from a file, because other users of a machine see
 * the arguments of its processes. A token is not verified here: the API does that.
 */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { deviceIdSchema } from '../../../shared/contract/ids.ts';
import { maxTokenLength } from '../../../shared/contract/wire.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { fileError } from '../../errors/file-errors.ts';

export type DeviceTokens = ReadonlyMap<DeviceId, string>;

const variable = 'FIELD_TOKEN';
const maxTokens = 1000;
const claimsSchema = z.object({ device: deviceIdSchema });
const howToMakeOne = 'Make a token with: npx consciousness-field token --device ID';

/**
 * @param file has one token per line, each of a different device; without it, `FIELD_TOKEN` is read in the same way
 * @throws CliError `usage`
 */
export async function readDeviceTokens(
  file: string | undefined,
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
): Promise<DeviceTokens> {
  const text = file === undefined ? (env[variable] ?? '') : await readTokenFile(file, cwd);
  const source = file ?? variable;
  const found = text.split(/\s+/).filter((token) => token !== '');
  if (found.length === 0) {
    const message =
      file === undefined
        ? `--api needs a token: set ${variable}, or name a file with --token-file.`
        : `${file} has no token.`;
    throw new CliError('usage', message, { hint: howToMakeOne });
  }
  if (found.length > maxTokens) {
    throw new CliError('usage', `${source} has more than ${maxTokens} tokens: divide the devices among several runs.`);
  }
  const tokens = new Map<DeviceId, string>();
  for (const [index, token] of found.entries()) tokens.set(readDevice(token, `Token ${index + 1} of ${source}`), token);
  return tokens;
}

/** @param name identifies the token in messages, which must not contain its text */
function readDevice(token: string, name: string): DeviceId {
  let claims: unknown;
  try {
    claims = decodeJwt(token);
  } catch {
    throw new CliError('usage', `${name} is not a JWT.`, { hint: howToMakeOne });
  }
  const parsed = claimsSchema.safeParse(claims);
  if (parsed.success) return parsed.data.device;
  throw new CliError('usage', `${name} names no device, and only a device can write.`, { hint: howToMakeOne });
}

async function readTokenFile(file: string, cwd: string): Promise<string> {
  const path = resolve(cwd, file);
  try {
    if (statSync(path).size <= maxTokens * (maxTokenLength + 1)) return await readFile(path, 'utf8');
  } catch (cause) {
    throw fileError(cause, { exit: 'usage', file, verb: 'read' });
  }
  throw new CliError('usage', `${file} is too large for a file of tokens: it has one per line.`);
}

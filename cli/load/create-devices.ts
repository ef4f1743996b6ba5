/** Creates simulated devices and their tokens: signed with the secret if it is known, otherwise by open registration. */
import { randomBytes } from 'node:crypto';
import { type SigningKey, signToken } from '../../shared/auth/jwt.ts';
import { deviceIdSchema } from '../../shared/contract/ids.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import type { Credentials } from './load-plan.ts';

const expiresInSeconds = 2 * 3600;
const timeoutMs = 10_000;

export type CreateDevices = (count: number) => Promise<Credentials[]>;

interface TokenSourceOptions {
  readonly url: string;
  readonly fields: readonly FieldId[];
  readonly key: SigningKey | undefined;
}

/** Chooses between signing and registration. @throws CliError when neither is possible, or the API does not respond */
export async function createTokenSource({ url, fields, key }: TokenSourceOptions): Promise<CreateDevices> {
  // Each run has its own devices, because a device must not reuse a counter.
  const runId = randomBytes(5).toString('hex');
  const sign = async (key: SigningKey, index: number) => {
    const device = deviceIdSchema.parse(`load-${runId}-${index}`);
    const scope = ['field:read', 'field:write'] as const;
    const { token } = await signToken({ sub: device, device, fields, scope, expiresInSeconds }, key);
    return { deviceId: device, token };
  };
  const isSigned = key !== undefined && (await isTokenAccepted(url, fields, await sign(key, 0)));
  let next = 1;
  return async (count) => {
    const createDevice = () => (isSigned ? sign(key, next++) : register(url));
    return Promise.all(Array.from({ length: count }, createDevice));
  };
}

async function isTokenAccepted(url: string, [field]: readonly FieldId[], { token }: Credentials): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  return (await request(`${url}/api/fields/${field}/clock`, { headers })).status !== 401;
}

async function register(url: string): Promise<Credentials> {
  const response = await request(`${url}/api/devices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  if (response.status === 201) return (await response.json()) as Credentials;
  throw new CliError('negative', `No device can be registered at ${url}: it responded with ${response.status}.`, {
    hint: "Set JWT_SECRET to that stack's secret to sign tokens, or enable OPEN_REGISTRATION on it.",
  });
}

async function request(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw new CliError('unreachable', `${url} does not respond: ${reasonOf(cause)}`, {
      hint: 'Start a stack with `npm start`, or specify one with --url.',
      cause,
    });
  }
}

/** Starts an API in this process on a test's servers and a free port, and signs tokens for it. */
import type { Test } from 'tap';
import { startApi } from '../../../api/server.ts';
import { signToken } from '../../../shared/auth/jwt.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import type { Scope } from '../../../shared/contract/token.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import { createLifecycle } from '../../../shared/process/lifecycle.ts';
import type { Backing } from '../../support/processes/with-worker.ts';

export interface TestApi {
  readonly address: string;
  readonly backing: Backing;
  /** Sends a request and reads the whole response. */
  request(path: string, options?: RequestOptions): Promise<TestResponse>;
  createToken(options?: TokenOptions): Promise<string>;
  stop(): Promise<void>;
}

interface RequestOptions {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
}

export interface TestResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body of a JSON response. */
  // biome-ignore lint/suspicious/noExplicitAny: tests validate the schemas of responses separately
  readonly body: any;
}

interface TokenOptions {
  readonly user?: string;
  readonly device?: string | null;
  readonly fields?: readonly string[];
  readonly scope?: readonly Scope[];
  readonly expiresInSeconds?: number;
}

export async function withApi(t: Test, backing: Backing, settings: Record<string, string> = {}): Promise<TestApi> {
  const { log } = backing;
  const config = loadConfig({ ...settingsOf(backing), PORT: '0', ...settings });
  const lifecycle = createLifecycle(log);
  t.teardown(() => lifecycle.stop());
  const { address } = await startApi({ config, log, lifecycle });
  return {
    address,
    backing,
    request: (path, options) => sendRequest(`${address}${path}`, options),
    createToken: (tokenOptions) => signTestToken(config.JWT_SECRET ?? '', tokenOptions),
    stop: () => lifecycle.stop(),
  };
}

function settingsOf({ config }: Backing): Record<string, string> {
  const { openRegistration, isProduction, ...settings } = config;
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

async function signTestToken(secret: string, options: TokenOptions = {}): Promise<string> {
  const {
    user = 'user-1',
    device = 'phone-1',
    fields = ['*'],
    scope = ['field:read', 'field:write'],
    expiresInSeconds = 600,
  } = options;
  const claims = { sub: user, ...(device ? { device: device as DeviceId } : {}), fields, scope, expiresInSeconds };
  const key = { secret, issuer: 'consciousness-field', audience: 'consciousness-field' };
  return (await signToken(claims, key)).token;
}

async function sendRequest(url: string, { method, token, headers, body }: RequestOptions = {}): Promise<TestResponse> {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text ? JSON.parse(text) : undefined,
  };
}

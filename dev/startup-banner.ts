/** The texts of `npm start`: its help, and the banner with the addresses and a first request. */
import { randomBytes } from 'node:crypto';
import { signToken } from '../shared/auth/jwt.ts';
import type { Config } from '../shared/config/config.ts';
import { deviceIdSchema } from '../shared/contract/ids.ts';
import { secondsPerDay } from '../shared/time-units.ts';
import { baseUrl } from './base-url.ts';
import type { DataDir } from './data-dir.ts';

const tokenDays = 30;

export const helpText = `npm start: one API and one worker, with their own PostgreSQL and Redis unless others are given.

  --lan              serve the network, for phones: prints the address and a QR code. Everybody on it can connect

It starts what is missing, migrates the database, waits until a test update is applied, and prints the addresses.
The data survives restarts, including kill -9. Ctrl-C stops everything.

  DATABASE_URL       postgres://…; if not set, a PostgreSQL is started
  QUEUE_REDIS_URL    redis://… for the queue   \\  if one is not set, a Redis is started
  CACHE_REDIS_URL    redis://… for the cache   /  (and installed, if necessary)
  PORT, HOST         address of the API; default: 127.0.0.1, port 3000 or a free one
  FIELD_DATA_DIR     folder for data, secrets and logs; default: .field
  JWT_SECRET         signs the tokens, at least 32 bytes; generated if not set
  JWKS_URL           accept tokens signed with these keys instead
  OPEN_REGISTRATION  true: POST /api/devices issues tokens to anyone; the default outside production
  ADMIN_PASSWORD     for Bull Board, user operator; generated if not set
  NODE_ENV           production: starts and generates nothing; a missing setting is an error

A file .env may contain them as well; the environment takes precedence. .env.example lists all of them.`;

/** An error and its causes without stack traces, for the terminal of `npm start`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because: ${describeError(error.cause)}`;
}

/** The addresses of all parts, and a request that creates a first particle. */
export async function renderStartupBanner(config: Config, data: DataDir | undefined): Promise<string> {
  const base = baseUrl(config);
  const isGenerated = data !== undefined && config.ADMIN_PASSWORD === data.secrets.adminPassword;
  const login = `(user operator, password ${isGenerated ? data.secrets.adminPassword : 'as in ADMIN_PASSWORD'})`;
  const lines = [
    ['Live page', `${base}/`],
    ['API', `${base}/api/`],
    ['Docs', `${base}/docs`],
    ['Live state', `${base}/api/fields/global (with a token)`],
    ['Operators', `${base}/admin/ ${login}`],
    ['Bull Board', `${base}/admin/queues (the same)`],
    ['Metrics', describeMetrics(config)],
    ...(data ? [['Data', data.path]] : []),
  ].map(([name = '', value = '']) => `  ${name.padEnd(12)}${value}`);
  return ['', ...lines, '', ...(await describeFirstParticle(config)), ''].join('\n');
}

/** Each process serves its own metrics. */
function describeMetrics(config: Config): string {
  const apiMetricsUrl = `${baseUrl(config)}/metrics`;
  if (config.METRICS_PORT === undefined) return `${apiMetricsUrl} (API; set METRICS_PORT for the worker's)`;
  return `${apiMetricsUrl} (API), ${baseUrl({ HOST: config.METRICS_HOST, PORT: config.METRICS_PORT })}/metrics (worker)`;
}

/** A device counts its own updates, so each run uses a new device that starts at 1. In production no token is printed. */
async function describeFirstParticle(config: Config): Promise<string[]> {
  const { JWT_SECRET: secret, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  const device = deviceIdSchema.parse(`curl-${randomBytes(4).toString('hex')}`);
  const request = {
    sub: device,
    device,
    fields: ['*'],
    scope: ['field:read', 'field:write'] as const,
    expiresInSeconds: tokenDays * secondsPerDay,
  };
  const isTokenShown = secret !== undefined && !config.isProduction;
  const token = isTokenShown ? (await signToken(request, { secret, issuer, audience })).token : '<token>';
  const update = {
    counter: 1,
    timestamp: Date.now(),
    kind: 'particle.put',
    id: 'hello',
    position: { x: 1, y: 2, z: 3 },
    resonance: 0.8,
  };
  return [
    '  A first particle (send the next one with counter 2, then 3: the device counts its own updates):',
    `curl -X POST ${baseUrl(config)}/api/fields/global/updates -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'Content-Type: application/json' -H 'Prefer: wait=5' -d '${JSON.stringify({ updates: [update] })}'`,
  ];
}

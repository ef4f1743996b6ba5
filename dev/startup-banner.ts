/** What `npm start` says: its help, and at the end where everything is and how to send a first particle. */
import { randomBytes } from 'node:crypto';
import { signToken } from '../shared/auth/jwt.ts';
import type { Config } from '../shared/config/config.ts';
import { deviceIdSchema } from '../shared/contract/ids.ts';
import { baseUrl } from './base-url.ts';
import type { DataDir } from './data-dir.ts';

const TOKEN_DAYS = 30;

export const HELP_TEXT = `npm start: one API and one worker, with a PostgreSQL and a Redis of their own where none is given.

It starts what is missing, migrates the database, waits until an update has gone through, and prints the addresses.
The data survives restarts, kill -9 included. Ctrl-C stops everything.

  DATABASE_URL       postgres://…; a PostgreSQL is started when it is not set
  QUEUE_REDIS_URL    redis://… for the queue   \\  a Redis is started (and installed first,
  CACHE_REDIS_URL    redis://… for the cache   /  if it must be) when one of them is not set
  PORT, HOST         where the API listens: 3000 (or a free port), 127.0.0.1
  FIELD_DATA_DIR     the folder for data, secrets and logs: .field
  JWT_SECRET         signs the tokens, 32 bytes or more; made up when it is not set
  JWKS_URL           whose tokens to accept instead
  OPEN_REGISTRATION  true: anybody gets a token from POST /api/devices; the default outside production
  ADMIN_PASSWORD     for Bull Board, user operator; made up when it is not set
  NODE_ENV           production: nothing is started or made up, and a missing setting ends it

They may stand in a file .env as well; the environment wins. .env.example lists them all.`;

/** An error and what caused it, in sentences; how the code came to it is for a log, not for who types `npm start`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because: ${describeError(error.cause)}`;
}

/** The lines that tell where everything is. */
export async function renderStartupBanner(config: Config, data: DataDir | undefined): Promise<string> {
  const base = baseUrl(config);
  const isGenerated = data !== undefined && config.ADMIN_PASSWORD === data.secrets.adminPassword;
  const login = `(user operator, password ${isGenerated ? data.secrets.adminPassword : 'as in ADMIN_PASSWORD'})`;
  const lines = [
    ['Live page', `${base}/`],
    ['API', `${base}/api/`],
    ['Docs', `${base}/docs`],
    ['Live state', `${base}/api/fields/global (with a token)`],
    ['Bull Board', `${base}/admin/queues ${login}`],
    ['Metrics', describeMetrics(config)],
    ...(data ? [['Data', data.path]] : []),
  ].map(([name = '', value = '']) => `  ${name.padEnd(12)}${value}`);
  return ['', ...lines, '', ...(await describeFirstParticle(config)), ''].join('\n');
}

/** Each process shows its own. */
function describeMetrics(config: Config): string {
  const apiMetricsUrl = `${baseUrl(config)}/metrics`;
  if (config.METRICS_PORT === undefined)
    return `${apiMetricsUrl} (of the API; METRICS_PORT is not set for the worker's)`;
  return `${apiMetricsUrl}, of the worker ${baseUrl({ HOST: config.METRICS_HOST, PORT: config.METRICS_PORT })}/metrics`;
}

/** A device numbers its own updates, so each run gets a new one that starts at 1. In production no token is shown. */
async function describeFirstParticle(config: Config): Promise<string[]> {
  const { JWT_SECRET: secret, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  const device = deviceIdSchema.parse(`curl-${randomBytes(4).toString('hex')}`);
  const request = {
    sub: device,
    device,
    fields: ['*'],
    scope: ['field:read', 'field:write'] as const,
    expiresInSeconds: TOKEN_DAYS * 86_400,
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

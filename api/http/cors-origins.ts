/** The origins whose pages may use the API. CORS enforces them for requests; upgrades, which CORS does not cover, are checked here. */
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../../shared/config/config.ts';
import { FieldError } from '../../shared/errors.ts';

/** An origin, or a pattern of origins. */
export type AllowedOrigin = string | RegExp;

/** The development servers of apps on this machine, on any port. */
const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
/** Development servers on this network, whose pages have an address instead of a name. */
const addressOrigin = /^https?:\/\/(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:]+\])(:\d+)?$/;

/** The origins in `CORS_ORIGINS`; in development also pages from this machine, and from the network if it is served. */
export function listOrigins({
  CORS_ORIGINS,
  HOST,
  NODE_ENV,
}: Pick<Config, 'CORS_ORIGINS' | 'HOST' | 'NODE_ENV'>): readonly AllowedOrigin[] {
  const named = CORS_ORIGINS.split(',')
    .map((origin) => origin.trim().replace(/\/$/, ''))
    .filter((origin) => origin !== '');
  if (NODE_ENV !== 'development') return named;
  const isOnNetwork = isIP(HOST) !== 0 && !HOST.startsWith('127.') && HOST !== '::1';
  return [...named, localOrigin, ...(isOnNetwork ? [addressOrigin] : [])];
}

/** Refuses upgrades from pages of other origins. Clients other than browsers send no `Origin`. */
export function createOriginCheck(origins: readonly AllowedOrigin[]) {
  const isAllowed = (origin: string) =>
    origins.some((allowed) =>
      typeof allowed === 'string' ? allowed === origin || allowed === '*' : allowed.test(origin),
    );
  return async ({ headers }: FastifyRequest): Promise<void> => {
    const { origin, host } = headers;
    if (origin === undefined || isAllowed(origin)) return;
    if (URL.canParse(origin) && new URL(origin).host === host) return;
    throw new FieldError('forbidden', { detail: 'CORS_ORIGINS does not contain this origin' });
  };
}

/** Which other sites' pages may use the API: CORS for requests, and the same list for upgrades, which CORS passes by. */
import type { FastifyRequest } from 'fastify';
import { FieldError } from '../../shared/errors.ts';

export function parseOrigins(list: string): readonly string[] {
  return list
    .split(',')
    .map((origin) => origin.trim().replace(/\/$/, ''))
    .filter((origin) => origin !== '');
}

/** Refuses an upgrade that a page of a strange site makes. Clients that are not browsers send no Origin. */
export function createOriginCheck(origins: readonly string[]) {
  return async ({ headers }: FastifyRequest): Promise<void> => {
    const { origin, host } = headers;
    if (origin === undefined || origins.includes(origin) || origins.includes('*')) return;
    if (URL.canParse(origin) && new URL(origin).host === host) return;
    throw new FieldError('forbidden', { detail: 'CORS_ORIGINS does not name this origin' });
  };
}

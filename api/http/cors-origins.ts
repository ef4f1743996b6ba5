/** The origins whose pages may use the API. CORS enforces them for requests; upgrades, which CORS does not cover, are checked here. */
import type { FastifyRequest } from 'fastify';
import { FieldError } from '../../shared/errors.ts';

export function parseOrigins(list: string): readonly string[] {
  return list
    .split(',')
    .map((origin) => origin.trim().replace(/\/$/, ''))
    .filter((origin) => origin !== '');
}

/** Refuses upgrades from pages of other origins. Clients other than browsers send no `Origin`. */
export function createOriginCheck(origins: readonly string[]) {
  return async ({ headers }: FastifyRequest): Promise<void> => {
    const { origin, host } = headers;
    if (origin === undefined || origins.includes(origin) || origins.includes('*')) return;
    if (URL.canParse(origin) && new URL(origin).host === host) return;
    throw new FieldError('forbidden', { detail: 'CORS_ORIGINS does not name this origin' });
  };
}

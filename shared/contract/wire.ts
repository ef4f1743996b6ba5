/** The fixed words and numbers of the wire: no schema, so that a client in a browser can have them without zod. */

export const streamProtocol = 'field.v1';
export const bearerProtocolPrefix = 'bearer.';

/** Close codes of the stream, beyond those of RFC 6455. */
export const closeCodes = {
  restart: 1012,
  overloaded: 1013,
  badMessage: 1008,
  tooLarge: 1009,
  tokenExpired: 4401,
  forbidden: 4403,
} as const;

export const maxUpdatesPerRequest = 500;
export const maxRequestBytes = 1024 * 1024;

/** Conflicts of a field that are stored and can be read: the newest ones. */
export const maxKeptConflicts = 50;

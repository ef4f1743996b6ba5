/** Constants of the protocol. Without schemas, so that the client can import them without zod. */

export const streamProtocol = 'field.v2';
/** The same, except that long messages of the server are binary: their text, compressed with zlib (RFC 1950). */
export const deflateProtocol = 'field.v2.deflate';
export const bearerProtocolPrefix = 'bearer.';

/** WebSocket close codes: those of RFC 6455, and from 4000 on those of this protocol. */
export const closeCodes = {
  restart: 1012,
  overloaded: 1013,
  badMessage: 1008,
  tooLarge: 1009,
  tokenExpired: 4401,
  forbidden: 4403,
} as const;

export const maxUpdatesPerRequest = 500;
export const maxCellsPerUpdate = 900;
export const maxConnections = 64;
/** In UTF-16 code units, as the length of a particle's content. */
export const maxParticleIdLength = 128;
export const maxContentLength = 2000;
export const maxClockEntries = 64;
export const maxRequestBytes = 1024 * 1024;
/** How far above the last counter of a device its next one may be. */
export const maxCounterGap = 1_000_000;
/** The limit of a device's presence data, as JSON in UTF-8. */
export const maxPresenceBytes = 1024;

/** How many of a field's newest conflicts are stored and can be read. */
export const maxKeptConflicts = 50;
/** In characters. Below the 16 KiB that Node accepts for all headers of a request together. */
export const maxTokenLength = 8192;

const bytesPerPoint = 16 * 1024;

/**
 * The cost of a message's size, in points of the rate limits, in addition to those of the request and its updates. It is charged
 * before parsing, so that a refused message costs its sender what it cost the server. An ordinary request costs no extra point.
 */
export function computeSizePoints(bytes: number): number {
  return Math.floor(bytes / bytesPerPoint);
}

/** Constants of the protocol. Without schemas, so that the client can import them without zod. */

export const streamProtocol = 'field.v2';
/** The same, with long messages of the server as binary ones: their text, deflated (RFC 1950). */
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
/** Of the presence data of a device, as JSON in UTF-8. */
export const maxPresenceBytes = 1024;

/** Conflicts of a field that are stored and can be read: the newest ones. */
export const maxKeptConflicts = 50;
/** In characters. Below the 16 KiB that Node accepts for all headers of a request together. */
export const maxTokenLength = 8192;

const bytesPerPoint = 16 * 1024;

/**
 * What a message costs by its size, in points of the rate limits, in addition to those of the request and of its updates. It is charged
 * before the message is parsed, so that a refusal costs the sender what it cost the server. An ordinary request is below the
 * first point.
 */
export function computeSizePoints(bytes: number): number {
  return Math.floor(bytes / bytesPerPoint);
}

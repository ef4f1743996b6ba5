/** The limits on what clients send, for `docs/limits.md`. */
import {
  maxCommas,
  maxContainers,
  maxDistinctKeys,
  maxItems,
  maxJsonDepth,
  maxKeys,
} from '../../api/http/json-excess.ts';
import { maxBodyBytes } from '../../api/routes/tokens/devices.ts';
import { maxBytesPerUser } from '../../api/streaming/transports/unhandled-bytes.ts';
import { messageRateLimit, refusalRateLimit } from '../../api/streaming/transports/websocket-session.ts';
import type { configSchema } from '../../shared/config/settings.ts';
import { maxInputErrors } from '../../shared/contract/problem.ts';
import {
  maxCellsPerUpdate,
  maxClockEntries,
  maxConnections,
  maxCounterGap,
  maxRequestBytes,
  maxTokenLength,
  maxUpdatesPerRequest,
} from '../../shared/contract/wire.ts';
import type { ErrorCode } from '../../shared/errors.ts';

export type Setting = keyof typeof configSchema.shape;

export interface Limit {
  readonly what: string;
  /** A constant, or the setting that contains it. */
  readonly value: number | Setting;
  /** The result of exceeding it. */
  readonly above: ErrorCode | { readonly effect: string };
  /** The file that enforces it. */
  readonly where: string;
}

export const closes = (code: number) => ({ effect: `the socket is closed (${code})` });

export const limitsOfInput: readonly Limit[] = [
  {
    what: 'Bytes of a request with updates',
    value: maxRequestBytes,
    above: 'too_large',
    where: 'api/routes/updates.ts',
  },
  { what: 'Bytes of a message on a socket', value: maxRequestBytes, above: closes(1009), where: 'api/app.ts' },
  { what: 'Bytes of a registration', value: maxBodyBytes, above: 'too_large', where: 'api/routes/tokens/devices.ts' },
  {
    what: 'Bytes of the body of a GET or HEAD',
    value: 0,
    above: 'too_large',
    where: 'api/plugins/request-preconditions.ts',
  },
  { what: 'Characters of a token', value: maxTokenLength, above: 'unauthorized', where: 'api/auth/field-auth.ts' },
  { what: 'Nesting depth of JSON', value: maxJsonDepth, above: 'bad_request', where: 'api/http/json-excess.ts' },
  { what: 'Keys of a JSON object', value: maxKeys, above: 'bad_request', where: 'api/http/json-excess.ts' },
  { what: 'Items of a JSON array', value: maxItems, above: 'bad_request', where: 'api/http/json-excess.ts' },
  {
    what: 'Different keys in a request or message',
    value: maxDistinctKeys,
    above: 'bad_request',
    where: 'api/http/json-excess.ts',
  },
  {
    what: 'Objects and arrays in a request or message',
    value: maxContainers,
    above: 'bad_request',
    where: 'api/http/json-excess.ts',
  },
  {
    what: 'Values in a request or message',
    value: maxCommas,
    above: 'bad_request',
    where: 'api/http/json-excess.ts',
  },
  {
    what: 'Updates in a request or message',
    value: maxUpdatesPerRequest,
    above: 'invalid_input',
    where: 'api/validation/validate-updates.ts',
  },
  {
    what: 'Cells of an update',
    value: maxCellsPerUpdate,
    above: 'invalid_input',
    where: 'api/validation/find-excess.ts',
  },
  {
    what: 'Connections of a particle',
    value: maxConnections,
    above: 'invalid_input',
    where: 'api/validation/find-excess.ts',
  },
  {
    what: 'Devices in the clock of an update',
    value: maxClockEntries,
    above: 'invalid_input',
    where: 'api/validation/find-excess.ts',
  },
  {
    what: 'Distance of a counter from the last one of its device',
    value: maxCounterGap,
    above: 'counter_too_far',
    where: 'api/admission/counter-gap-check.ts',
  },
  {
    what: 'Errors in an answer',
    value: maxInputErrors,
    above: { effect: 'the others are left out' },
    where: 'shared/contract/problem.ts',
  },
  {
    what: 'Messages, pings and pongs of a socket at once',
    value: messageRateLimit.capacity,
    above: closes(1008),
    where: 'api/streaming/transports/websocket-session.ts',
  },
  {
    what: 'Messages, pings and pongs of a socket per second',
    value: messageRateLimit.perSecond,
    above: closes(1008),
    where: 'api/streaming/transports/websocket-session.ts',
  },
  {
    what: 'Refused messages of a socket, and one more every 10 s',
    value: refusalRateLimit.capacity,
    above: closes(1008),
    where: 'api/streaming/transports/websocket-session.ts',
  },
  {
    what: 'Bytes of the messages of a user that wait to be handled',
    value: maxBytesPerUser,
    above: 'overloaded',
    where: 'api/streaming/transports/unhandled-bytes.ts',
  },
];

/**
 * The only table of errors that a client can receive. The problem responses, the OpenAPI schema, `docs/errors.md` and the page
 * `/docs/errors` are derived from it: to add an error, add an entry and run `npm run docs`.
 */

export interface ErrorEntry {
  readonly status: number;
  /** Whether sending the same request again can succeed. */
  readonly retry: boolean;
  /** The problem's `title`: the same for every occurrence. */
  readonly title: string;
  readonly cause: string;
  /** What the client or the operator can do about it. */
  readonly remedy: string;
}

export const errorTable = {
  bad_request: {
    status: 400,
    retry: false,
    title: 'The request is malformed',
    cause: 'The request is not valid HTTP, its body is not valid JSON in UTF-8, or a precondition is not met.',
    remedy: 'Correct the request as `detail` says.',
  },
  invalid_input: {
    status: 400,
    retry: false,
    title: 'The input does not match its schema',
    cause: 'A path parameter, a query parameter or the body does not match the schema of the route.',
    remedy: 'Correct the values that `errors` names; the schemas are at `/docs`.',
  },
  counter_too_far: {
    status: 400,
    retry: false,
    title: "A counter is more than 1,000,000 above the device's last",
    cause: 'Such a gap would use up the counters of the device permanently, so the update is refused.',
    remedy: 'Read `GET /api/fields/:field/clock?device=ID` and number the updates from there.',
  },
  unauthorized: {
    status: 401,
    retry: false,
    title: 'A valid token is required',
    cause:
      'The token is missing, malformed, not signed with a key that the server accepts, or has claims that it does not accept; or the name or password of an operator is wrong.',
    remedy: 'Send `Authorization: Bearer <token>` with a token from `POST /api/devices` or from an operator.',
  },
  token_expired: {
    status: 401,
    retry: false,
    title: 'The token has expired',
    cause: 'The time in the claim `exp` has passed.',
    remedy: 'Get a new token. Unsent updates stay valid.',
  },
  token_revoked: {
    status: 401,
    retry: false,
    title: 'The token has been revoked',
    cause: 'An operator has revoked this token, its device or its user.',
    remedy: 'Ask an operator, or get a token that was issued after the revocation.',
  },
  forbidden: {
    status: 403,
    retry: false,
    title: 'The token does not allow this',
    cause:
      'The token lacks a scope, the field or a device; or a setting does not allow the request, its origin or its host.',
    remedy: '`detail` names what is missing. Ask an operator for another token, or to change the setting.',
  },
  not_found: {
    status: 404,
    retry: false,
    title: 'There is no such route',
    cause: 'No route matches the path.',
    remedy: 'Check the path against `/docs`.',
  },
  field_not_found: {
    status: 404,
    retry: false,
    title: 'There is no such field',
    cause: 'A field is created when its first update is applied, and no update of this field has been applied.',
    remedy: 'Check the field id, or send an update to create the field.',
  },
  version_ahead: {
    status: 404,
    retry: false,
    title: 'The field has not reached that version',
    cause: 'The requested version is above the current version of the field.',
    remedy: 'Request a version up to the current one, which `GET /api/fields/:field` returns.',
  },
  method_not_allowed: {
    status: 405,
    retry: false,
    title: 'The route does not support this method',
    cause: 'The path exists, but not with this method.',
    remedy: 'Use one of the methods in the header `Allow`.',
  },
  request_timeout: {
    status: 408,
    retry: true,
    title: 'The request did not arrive in time',
    cause: 'The whole request did not arrive within `REQUEST_TIMEOUT_MS`.',
    remedy: 'Send it again; send smaller batches over slow connections.',
  },
  cursor_unknown: {
    status: 410,
    retry: false,
    title: 'The log does not have that cursor',
    cause: 'The cursor names a log entry that the log does not have: a restore or a failover has lost it.',
    remedy: 'Read the current state, and continue from its cursor.',
  },
  version_not_kept: {
    status: 410,
    retry: false,
    title: 'That version is no longer kept',
    cause: 'Retention has deleted log entries that are needed for the requested version.',
    remedy: 'Read the current state, and continue from its cursor.',
  },
  would_lose_updates: {
    status: 409,
    retry: false,
    title: 'The action would lose accepted updates',
    cause:
      'An operator tried to empty, clean or obliterate a queue, or to remove a job, whose updates may not have been applied.',
    remedy:
      'Let the workers apply them. Discard what can never be applied with `npx consciousness-field dead-letters discard`.',
  },
  erased: {
    status: 410,
    retry: false,
    title: 'That version contained erased data',
    cause: 'A user, a device or a field was erased, and with it the states that contained the erased data.',
    remedy: 'Read the current state, or a version before the first erased entry or after the erasure.',
  },
  too_large: {
    status: 413,
    retry: false,
    title: 'The request body is too large',
    cause:
      'The body is larger than the route allows: 1 MiB for updates, 1 KiB for registration and tokens, none for GET and HEAD.',
    remedy: 'Send updates in smaller batches, and no body with GET or HEAD.',
  },
  url_too_long: {
    status: 414,
    retry: false,
    title: 'The URL is too long',
    cause: 'The URL has more than 2048 characters.',
    remedy: 'Shorten the URL; no valid URL of this API is longer than about 200 characters.',
  },
  unsupported_media_type: {
    status: 415,
    retry: false,
    title: 'The body must be JSON',
    cause: 'The content type is not `application/json`, or the body is compressed.',
    remedy: 'Send uncompressed JSON with `Content-Type: application/json`.',
  },
  replay_too_large: {
    status: 422,
    retry: false,
    title: 'That version is too far from a stored snapshot',
    cause:
      'The updates between the previous snapshot and this version are too many, or too large, to replay for a request.',
    remedy:
      'Read another version, or the log. For operators: `npx consciousness-field state FIELD --at VERSION` has no such limit.',
  },
  rate_limited: {
    status: 429,
    retry: true,
    title: 'The rate limit is exceeded',
    cause:
      'The user or the address has used up a budget (a setting `LIMIT_…`), or an operator has given too many wrong passwords. ' +
      '`detail` says which.',
    remedy: 'Wait as long as `Retry-After` says. The headers `RateLimit` and `RateLimit-Policy` show what is left.',
  },
  presence_full: {
    status: 429,
    retry: true,
    title: 'There is too much presence data',
    cause:
      'The presence data of the devices of the user, or of all devices in the field, has reached the limit of an API process.',
    remedy: 'Send less data, or close streams that are not needed. The previous presence data of the device remains.',
  },
  too_many_fields: {
    status: 429,
    retry: true,
    title: 'The user has created too many fields today',
    cause: 'The user has created as many fields in a day as `LIMIT_NEW_FIELDS` allows.',
    remedy: 'Write to existing fields, or wait as long as `Retry-After` says. Ask an operator for a higher limit.',
  },
  too_many_devices: {
    status: 429,
    retry: true,
    title: 'The user has written with too many devices today',
    cause: 'The user has written with as many devices in a day as `LIMIT_NEW_DEVICES` allows.',
    remedy: 'Write with the same device, or wait as long as `Retry-After` says. Ask an operator for a higher limit.',
  },
  headers_too_large: {
    status: 431,
    retry: false,
    title: 'The request headers are too large',
    cause: 'The headers are larger than the HTTP parser accepts (16 KiB).',
    remedy: 'Send fewer or smaller headers; check for large cookies.',
  },
  internal: {
    status: 500,
    retry: true,
    title: 'An unexpected error occurred',
    cause: 'An error in the server.',
    remedy: 'Send the request again later. For operators: the log line `request failed` contains the error.',
  },
  overloaded: {
    status: 503,
    retry: true,
    title: 'The server accepts no more updates at the moment',
    cause:
      'Too many updates are queued (`MAX_BACKLOG`), the memory of the queue is used up (`MAX_QUEUE_MEMORY_MB`, or 70% of ' +
      "its Redis server's `maxmemory`), the API process is receiving too many bytes, or the request waited too long for " +
      'admission. `detail` says which.',
    remedy:
      'Wait as long as `Retry-After` says. For operators: see FieldUpdatesRefused and FieldBacklogFilling in docs/operations.md.',
  },
  queue_unavailable: {
    status: 503,
    retry: true,
    title: 'Updates cannot be accepted at the moment',
    cause: 'Neither the queue in Redis nor the fallback queue in PostgreSQL accepts updates.',
    remedy: 'Send the same updates again; they are applied once. For operators: check Redis and PostgreSQL.',
  },
  database_unavailable: {
    status: 503,
    retry: true,
    title: 'PostgreSQL is unavailable',
    cause:
      'PostgreSQL does not answer, or not in time: a counter far above the known ones cannot be checked, the action of an operator ' +
      'cannot be recorded, or a search takes too long.',
    remedy: 'Send the request again. For operators: check PostgreSQL.',
  },
  reads_unavailable: {
    status: 503,
    retry: true,
    title: 'The field cannot be read at the moment',
    cause:
      'PostgreSQL does not answer, and the cache does not have what was requested; or too many earlier states are being ' +
      'computed. `detail` says so.',
    remedy: 'Send the request again. For operators: check PostgreSQL and the cache.',
  },
  keys_unavailable: {
    status: 503,
    retry: true,
    title: 'Tokens cannot be verified at the moment',
    cause: 'The keys of the token issuer (`JWKS_URL`) cannot be fetched.',
    remedy: 'Send the request again. For operators: check that the API can reach `JWKS_URL`.',
  },
  shutting_down: {
    status: 503,
    retry: true,
    title: 'The process is shutting down',
    cause: 'The process that received the request is being stopped or replaced.',
    remedy: 'Send the request again; another process answers it.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorTable;

export const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

export interface InputError {
  /** A JSON pointer into the input, for example `/updates/0/counter`. */
  readonly path: string;
  readonly message: string;
}

interface FieldErrorOptions {
  detail?: string;
  errors?: readonly InputError[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** An error with an entry in the table. `detail` is sent to the client; `cause` only reaches the log. */
export class FieldError extends Error {
  override name = 'FieldError';
  readonly detail: string | undefined;
  readonly errors: readonly InputError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: ErrorCode,
    { detail, errors, retryAfterSeconds, cause }: FieldErrorOptions = {},
  ) {
    super(detail ?? errorTable[code].title, { cause });
    this.detail = detail;
    this.errors = errors;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Every error that a client can meet: its code, status, whether trying again helps, and its title.
 * The API's error handler and the worker's translator are the only readers of the table.
 */

export const errorTable = {
  bad_request: { status: 400, retry: false, title: 'The request cannot be understood' },
  invalid_input: { status: 400, retry: false, title: 'The input does not fit its schema' },
  counter_too_far: { status: 400, retry: false, title: "A counter is more than 1,000,000 above the device's last" },
  unauthorized: { status: 401, retry: false, title: 'A valid token is needed' },
  token_expired: { status: 401, retry: false, title: 'The token has run out' },
  token_revoked: { status: 401, retry: false, title: 'The token has been revoked' },
  forbidden: { status: 403, retry: false, title: 'The token does not allow this' },
  not_found: { status: 404, retry: false, title: 'There is nothing at this address' },
  field_not_found: { status: 404, retry: false, title: 'There is no such field' },
  method_not_allowed: { status: 405, retry: false, title: 'This address does not take this method' },
  version_not_kept: { status: 410, retry: false, title: 'That far back is no longer kept' },
  version_ahead: { status: 404, retry: false, title: 'The field has not reached that version' },
  request_timeout: { status: 408, retry: true, title: 'The request did not arrive in time' },
  too_large: { status: 413, retry: false, title: 'The request is too large' },
  url_too_long: { status: 414, retry: false, title: 'The address is too long' },
  unsupported_media_type: { status: 415, retry: false, title: 'The body must be JSON' },
  rate_limited: { status: 429, retry: true, title: 'That is more than is allowed in this time' },
  headers_too_large: { status: 431, retry: false, title: 'The headers are too large' },
  internal: { status: 500, retry: true, title: 'Something went wrong here' },
  overloaded: { status: 503, retry: true, title: 'Too many updates are waiting' },
  queue_unavailable: { status: 503, retry: true, title: 'Updates cannot be taken right now' },
  reads_unavailable: { status: 503, retry: true, title: 'The state cannot be read right now' },
  keys_unavailable: { status: 503, retry: true, title: 'Tokens cannot be checked right now' },
  shutting_down: { status: 503, retry: true, title: 'This process is stopping' },
} as const;

export type ErrorCode = keyof typeof errorTable;

export interface InputError {
  /** Where in the input, for example `/updates/0/counter`. */
  readonly path: string;
  readonly message: string;
}

interface FieldErrorOptions {
  detail?: string;
  errors?: readonly InputError[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** An error that has an answer in the table. `detail` is meant for the client; `cause` never leaves the process. */
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

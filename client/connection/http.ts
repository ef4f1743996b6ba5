/**
 * One HTTP request. Timeouts limit silence, so that slow connections can finish. Every failure becomes a `RequestError`, including
 * a response that is not the API's, such as one of a captive portal, a proxy or another server.
 */
import type { Problem } from '../../shared/contract/messages.ts';
import { parseJson } from '../parse-json.ts';

/**
 * An error response of the server, with the code of its problem document. Otherwise `network`, `timeout`, `cors_blocked`, or
 * `unexpected_response` if something other than the API responded.
 */
export class RequestError extends Error {
  override name = 'RequestError';
  constructor(
    readonly code: string,
    message: string,
    /** The HTTP status; 0 if the API did not respond. */
    readonly status: number = 0,
    /** The `Retry-After` of the response in ms; 0 when there was none. */
    readonly retryAfterMs: number = 0,
    readonly errors: Problem['errors'] = undefined,
  ) {
    super(message);
  }
}

export interface HttpRequest {
  readonly url: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, by POST. Without a body the request is a GET. */
  readonly body?: unknown;
  /** A property of every API response to this request. Without it any JSON is accepted. */
  readonly expects?: string;
  /** How long the connection may be silent before the response begins. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly etag: string | null;
  readonly body: unknown;
}

/** Sends a request to a path below the field's URL. Rejects with a `RequestError`. */
export type SendFieldRequest = (path: string, request: Omit<HttpRequest, 'url'>) => Promise<HttpResponse>;

const defaultTimeoutMs = 10_000;
/** How long a response may be silent between two chunks. */
const idleTimeoutMs = 10_000;
/** How long a response may take where it cannot be streamed, as in React Native: four megabytes at 35 kB/s. */
const wholeBodyTimeoutMs = 120_000;

/** @throws RequestError */
export async function sendRequest(fetch: typeof globalThis.fetch, request: HttpRequest): Promise<HttpResponse> {
  const { url, token, headers, body, expects, timeoutMs = defaultTimeoutMs, signal } = request;
  const abort = new AbortController();
  const abortRequest = () => abort.abort();
  let isLate = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const allow = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isLate = true;
      abortRequest();
    }, ms);
  };
  allow(timeoutMs);
  signal?.addEventListener('abort', abortRequest);
  try {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    const { status } = response;
    const value = parseJson<Record<string, unknown>>(await readText(response, allow));
    if (status === 304) return { status, etag: response.headers.get('etag'), body: undefined };
    if (!response.ok) throw toRequestError(response, value);
    if (value === undefined || (expects !== undefined && value[expects] === undefined))
      throw new RequestError('unexpected_response', describeUnexpected(status));
    return { status, etag: response.headers.get('etag'), body: value };
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (isLate) throw new RequestError('timeout', 'No response in time.');
    if (!signal?.aborted && (await isBlockedByCors(fetch, url)))
      throw new RequestError('cors_blocked', `The server does not allow pages of ${origin()}. Add it to CORS_ORIGINS.`);
    throw new RequestError('network', error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abortRequest);
  }
}

function origin(): string | undefined {
  return (globalThis as { location?: { origin?: string } }).location?.origin;
}

/** A browser hides why a request failed. A `no-cors` request succeeds if the server is reachable, with an opaque response. */
async function isBlockedByCors(fetch: typeof globalThis.fetch, url: string): Promise<boolean> {
  if (!('document' in globalThis) || new URL(url).origin === origin()) return false;
  const response = await fetch(new URL('/api/health/live', url), { mode: 'no-cors' }).catch(() => undefined);
  return response?.type === 'opaque';
}

/** @param allow limits the silence before the next chunk to this many ms */
async function readText(response: Response, allow: (ms: number) => void): Promise<string> {
  const reader = response.body?.getReader?.();
  if (!reader) {
    allow(wholeBodyTimeoutMs);
    return response.text();
  }
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    allow(idleTimeoutMs);
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    if (done) return text;
  }
}

function toRequestError(
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  problem: Partial<Problem> | undefined,
): RequestError {
  const seconds = Number(headers.get('retry-after') ?? 0);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : 0;
  if (problem?.status !== status || typeof problem.code !== 'string')
    return new RequestError('unexpected_response', describeUnexpected(status), 0, retryAfterMs);
  return toProblemError(problem as Problem, retryAfterMs);
}

/** The error of a problem document, from a response or a message. */
export function toProblemError({ code, detail, title, status, errors }: Problem, retryAfterMs: number): RequestError {
  return new RequestError(code, detail ?? title ?? code, status, retryAfterMs, errors);
}

function describeUnexpected(status: number): string {
  return `The response, with status ${status}, is not from the API: another server, a proxy or a login page?`;
}

/** The address of an API without the slashes at its end. */
export function trimUrl(url: string): string {
  return url.replace(/\/+$/, '');
}

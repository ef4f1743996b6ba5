/** One HTTP request with a time limit. Every failure becomes a `RequestError`. */
import type { Problem } from '../../shared/contract/problem.ts';
import { parseJson } from '../parse-json.ts';

/** An error response of the server, by the code of its problem document; code `network` when there was no response. */
export class RequestError extends Error {
  override name = 'RequestError';
  constructor(
    readonly code: string,
    message: string,
    /** The HTTP status; 0 when there was no response. */
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

/** @throws RequestError */
export async function sendRequest(fetch: typeof globalThis.fetch, request: HttpRequest): Promise<HttpResponse> {
  const { url, token, headers, body, timeoutMs = defaultTimeoutMs, signal } = request;
  const abort = new AbortController();
  const abortRequest = () => abort.abort();
  const timer = setTimeout(abortRequest, timeoutMs);
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
    const text = await response.text();
    if (!response.ok && response.status !== 304) throw toRequestError(response, text);
    return {
      status: response.status,
      etag: response.headers.get('etag'),
      body: text === '' ? undefined : JSON.parse(text),
    };
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError('network', error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abortRequest);
  }
}

function toRequestError(response: Pick<Response, 'status' | 'headers'>, text: string): RequestError {
  // A proxy may respond with something other than a problem document.
  const problem = parseJson<Problem>(text);
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return new RequestError(
    problem?.code ?? 'internal',
    problem?.detail ?? problem?.title ?? `The server responded with status ${response.status}.`,
    response.status,
    Number.isFinite(seconds) ? seconds * 1000 : 0,
    problem?.errors,
  );
}

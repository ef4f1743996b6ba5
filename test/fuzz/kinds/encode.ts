/** Encodes requests as bytes without validating them. */
import type { Attacker, HttpAttempt } from '../attempt.ts';

interface Request {
  readonly method?: string;
  readonly path: string;
  /** Without it, no authorization header is sent. */
  readonly token?: string | undefined;
  /** Header lines without line endings, encoded as Latin-1. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
  /** Replaces the default content-type and content-length headers. */
  readonly bodyHeaders?: readonly string[];
}

export function encode({ method, path, token, headers = [], body, bodyHeaders }: Request): Buffer {
  const bytes = Buffer.from(body ?? '');
  const described = ['content-type: application/json', `content-length: ${bytes.length}`];
  const lines = [
    `${method ?? (body === undefined ? 'GET' : 'POST')} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
    ...headers,
    ...(bodyHeaders ?? (body === undefined ? [] : described)),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

export const kept = (request: Request): HttpAttempt => ({
  transport: 'http',
  connection: 'kept',
  bytes: encode(request),
});

export function post({ token, field }: Attacker, body: string | Buffer, headers: readonly string[] = []): HttpAttempt {
  return kept({ path: `/api/fields/${field}/updates`, token, headers, body });
}

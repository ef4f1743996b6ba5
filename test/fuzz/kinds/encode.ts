/** Requests as bytes: whatever should be wrong with one can be. */
import type { Attacker, HttpAttempt } from '../attempt.ts';

interface Request {
  readonly method?: string;
  readonly path: string;
  /** Undefined for none. */
  readonly token?: string | undefined;
  /** Lines without their ends; characters are bytes. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
  /** What stands before the body, when not its type and length. */
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

export const kept = (request: Request): HttpAttempt => ({ way: 'http', connection: 'kept', bytes: encode(request) });

export function post({ token, field }: Attacker, body: string | Buffer, headers: readonly string[] = []): HttpAttempt {
  return kept({ path: `/api/fields/${field}/updates`, token, headers, body });
}

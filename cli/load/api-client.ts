/** An HTTP client of the API, as on a phone. Independent of everything behind the API. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import type { Credentials } from './load-plan.ts';

const timeoutMs = 15_000;
const retryDelayMs = 500;
const readAttempts = 20;

export type SubmitResult =
  | { readonly kind: 'accepted'; readonly version: number }
  /** `retryAfterMs` is undefined when a retry cannot succeed. */
  | { readonly kind: 'refused'; readonly code: string; readonly retryAfterMs: number | undefined }
  /** There was no response; the request may have been accepted. */
  | { readonly kind: 'unanswered' };

export async function postUpdates(
  url: string,
  field: FieldId,
  { token }: Credentials,
  updates: readonly Update[],
): Promise<SubmitResult> {
  try {
    const response = await fetch(`${url}/api/fields/${field}/updates`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ updates }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = (await response.json()) as { version?: number; code?: string };
    if (response.status === 202) return { kind: 'accepted', version: body.version ?? 0 };
    return { kind: 'refused', code: body.code ?? String(response.status), retryAfterMs: parseRetryAfterMs(response) };
  } catch {
    return { kind: 'unanswered' };
  }
}

function parseRetryAfterMs({ status, headers }: Response): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const seconds = Number(headers.get('retry-after'));
  return seconds > 0 ? seconds * 1000 : retryDelayMs;
}

/** Reads JSON, with retries while the API is overloaded. Undefined if the field does not exist. @throws CliError `unreachable` */
export async function readJson<T>(url: string, path: string, { token }: Credentials): Promise<T | undefined> {
  let reason = '';
  for (let attempt = 1; attempt <= readAttempts; attempt += 1) {
    try {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(timeoutMs) });
      if (response.ok) return (await response.json()) as T;
      if (response.status === 404) return undefined;
      reason = `${response.status} ${await response.text()}`;
      if (parseRetryAfterMs(response) === undefined) break;
    } catch (error) {
      reason = reasonOf(error instanceof Error && error.cause ? error.cause : error);
    }
    await delay(retryDelayMs);
  }
  throw new CliError('unreachable', `${url}${path} cannot be read: ${reason}`, {
    hint: 'Check that the API is running: `npx consciousness-field doctor --url URL`.',
  });
}

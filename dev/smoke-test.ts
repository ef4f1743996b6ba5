/** Checks a started system end to end: the API is ready, and an update passes through queue, worker and database. */
import { signToken } from '../shared/auth/jwt.ts';
import type { Config } from '../shared/config/config.ts';
import { deviceIdSchema } from '../shared/contract/ids.ts';
import { retry } from '../shared/process/retry.ts';
import { baseUrl } from './base-url.ts';

const readyDeadlineMs = 90_000;
const updateDeadlineMs = 60_000;
/** A separate field, so that no field of a user is changed. */
const field = 'smoke-test';
const device = deviceIdSchema.parse('npm-start');

/** Waits until the readiness check responds with 200. */
export async function waitUntilReady(config: Config): Promise<void> {
  const url = `${baseUrl(config)}/api/health/ready`;
  await retryUntilDone('the API is ready', readyDeadlineMs, async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return response.ok ? undefined : `${url} responded with ${response.status}: ${await response.text()}`;
  });
}

/** Sends updates until one is applied. @param secret signs the token of the test device */
export async function runSmokeTest(config: Config, secret: string): Promise<void> {
  const key = { secret, issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE };
  const { token } = await signToken(
    { sub: device, device, fields: [field], scope: ['field:read', 'field:write'], expiresInSeconds: 600 },
    key,
  );
  const fieldUrl = `${baseUrl(config)}/api/fields/${field}`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=10' };
  await retryUntilDone('an update is applied', updateDeadlineMs, async () => {
    const counter = (await readLastCounter(`${fieldUrl}/clock`, headers)) + 1;
    const update = { counter, timestamp: Date.now(), kind: 'cells.set', cells: [{ x: 0, y: 0, value: 0.5 }] };
    const body = JSON.stringify({ updates: [update] });
    const signal = AbortSignal.timeout(15_000);
    const response = await fetch(`${fieldUrl}/updates`, { method: 'POST', headers, body, signal });
    const responseText = await response.text();
    return response.status === 200 && responseText.includes('"applied"')
      ? undefined
      : `${response.status}: ${responseText}`;
  });
}

/** 0 while the field does not exist. */
async function readLastCounter(url: string, headers: Record<string, string>): Promise<number> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5000) });
  if (response.status === 404) return 0;
  if (!response.ok) throw new Error(`${url} responded with ${response.status}: ${await response.text()}`);
  const { clock } = (await response.json()) as { clock: Record<string, number> };
  return clock[device] ?? 0;
}

/** Repeats `attempt` until it returns undefined. @throws Error with the last problem after `timeoutMs` */
async function retryUntilDone(
  condition: string,
  timeoutMs: number,
  attempt: () => Promise<string | undefined>,
): Promise<void> {
  const work = async () => {
    const problem = await attempt();
    if (problem !== undefined) throw new Error(problem);
  };
  try {
    await retry(work, { initialDelayMs: 200, maxDelayMs: 200, timeoutMs });
  } catch (cause) {
    throw new Error(`Timed out after ${timeoutMs / 1000} s waiting until ${condition}`, { cause });
  }
}

/** Finds out that all works: the API says that it is ready, and an update goes through queue, worker and database. */
import { setTimeout as delay } from 'node:timers/promises';
import { signToken } from '../shared/auth/jwt.ts';
import type { Config } from '../shared/config/config.ts';
import { deviceIdSchema } from '../shared/contract/ids.ts';
import { baseUrl } from './base-url.ts';

const READY_DEADLINE_MS = 90_000;
const UPDATE_DEADLINE_MS = 60_000;
/** A field of its own, lest it leave a trace in anybody's. */
const FIELD = 'smoke-test';
const DEVICE = deviceIdSchema.parse('npm-start');

/** Waits until the readiness check answers 200. */
export async function waitUntilReady(config: Config): Promise<void> {
  const url = `${baseUrl(config)}/api/health/ready`;
  await retryUntilDone('the API is ready', READY_DEADLINE_MS, async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return response.ok ? undefined : `${url} answers ${response.status}: ${await response.text()}`;
  });
}

/** Sends updates until one is applied. Tokens can only be made with a secret. */
export async function runSmokeTest(config: Config, secret: string): Promise<void> {
  const key = { secret, issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE };
  const { token } = await signToken(
    { sub: DEVICE, device: DEVICE, fields: [FIELD], scope: ['field:read', 'field:write'], expiresInSeconds: 600 },
    key,
  );
  const field = `${baseUrl(config)}/api/fields/${FIELD}`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=10' };
  await retryUntilDone('an update is applied', UPDATE_DEADLINE_MS, async () => {
    const counter = (await readLastCounter(`${field}/clock`, headers)) + 1;
    const update = { counter, timestamp: Date.now(), kind: 'cells.set', cells: [{ x: 0, y: 0, value: 0.5 }] };
    const body = JSON.stringify({ updates: [update] });
    const signal = AbortSignal.timeout(15_000);
    const response = await fetch(`${field}/updates`, { method: 'POST', headers, body, signal });
    const answer = await response.text();
    return response.status === 200 && answer.includes('"applied"') ? undefined : `${response.status}: ${answer}`;
  });
}

/** 0 while the field does not exist. */
async function readLastCounter(url: string, headers: Record<string, string>): Promise<number> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5000) });
  if (response.status === 404) return 0;
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${await response.text()}`);
  const { clock } = (await response.json()) as { clock: Record<string, number> };
  return clock[DEVICE] ?? 0;
}

/** Tries until the answer is undefined; what it was last becomes part of the failure. */
async function retryUntilDone(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const problem = await attempt().catch((error: Error) => `${error.message} ${error.cause ?? ''}`);
    if (problem === undefined) return;
    if (Date.now() > deadline)
      throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}. The last answer: ${problem}`);
    await delay(200);
  }
}

/** Checks the API over HTTP: readiness, health and clock. */
import { reasonOf } from '../errors/cli-error.ts';
import { checkClock, timeRequest } from './check-clock.ts';
import { type Finding, finding, ok } from './findings.ts';

const subject = 'the API';
const timeoutMs = 5000;

/** The part of the response that is read. Its types are unchecked, because any server may be behind the address. */
interface Health {
  readonly status?: unknown;
  readonly timestamp?: unknown;
  readonly checks?: { readonly queue?: { readonly full?: unknown } };
}

export async function checkApi(url: string): Promise<Finding[]> {
  try {
    const ready = await request(`${url}/api/health/ready`);
    if (!ready.ok)
      return [
        finding(subject, 'api_not_ready', `${url} responds with ${ready.status}: ${await describeProblem(ready)}`),
      ];
    const timedHealth = await timeRequest(() => request(`${url}/api/health`));
    const health = (await timedHealth.value.json()) as Health;
    const clock = typeof health.timestamp === 'number' ? checkClock(subject, health.timestamp, timedHealth) : [];
    if (health.status === 'healthy') return [ok(subject, `${url} is ready and healthy`), ...clock];
    // The API counts the requests in the jobs and their memory, which the check of the queue does not.
    if (health.checks?.queue?.full === true)
      return [finding(subject, 'queue_full', `${url} rejects updates`), ...clock];
    return [finding(subject, 'api_degraded', `${url} is ready, but ${String(health.status)}`), ...clock];
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    return [finding(subject, 'api_unreachable', `${url} does not respond: ${reasonOf(cause)}`)];
  }
}

const request = (url: string) => fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });

async function describeProblem(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as { title?: unknown };
  return typeof problem.title === 'string' ? problem.title : response.statusText;
}

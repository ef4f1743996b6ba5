/** The API, as a load balancer sees it. */
import { reasonOf } from '../errors/cli-error.ts';
import { checkClock, measure } from './check-clock.ts';
import { type Finding, fine, found } from './findings.ts';

const subject = 'the API';
const limitMs = 5000;

/** As far as it is looked at: what answers may be anything. */
interface Health {
  readonly status?: unknown;
  readonly timestamp?: unknown;
  readonly checks?: { readonly queue?: { readonly full?: unknown } };
}

export async function checkApi(url: string): Promise<Finding[]> {
  try {
    const ready = await ask(`${url}/api/health/ready`);
    if (!ready.ok) return [found(subject, 'api_not_ready', `${url} answers ${ready.status}: ${await sayWhy(ready)}`)];
    const reading = await measure(() => ask(`${url}/api/health`));
    const health = (await reading.answer.json()) as Health;
    const clock = typeof health.timestamp === 'number' ? checkClock(subject, health.timestamp, reading) : [];
    if (health.status === 'healthy') return [fine(subject, `${url} is ready and healthy`), ...clock];
    // It counts the requests in the jobs, and looks at the memory that they take.
    if (health.checks?.queue?.full === true)
      return [found(subject, 'queue_full', `${url} turns updates away`), ...clock];
    return [found(subject, 'api_degraded', `${url} is ready, but ${String(health.status)}`), ...clock];
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    return [found(subject, 'api_unreachable', `${url} does not answer: ${reasonOf(cause)}`)];
  }
}

const ask = (url: string) => fetch(url, { signal: AbortSignal.timeout(limitMs), redirect: 'error' });

async function sayWhy(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { title?: unknown };
  return typeof problem.title === 'string' ? problem.title : answer.statusText;
}

/** Checks the dependencies of a process, with a timeout and a measured latency. */
import type { Logger } from '../process/logger.ts';
import { withTimeout } from '../process/with-timeout.ts';

const timeoutMs = 2000;
const sharedForMs = 500;

export interface Check {
  status: 'up' | 'down';
  latencyMs: number;
  /** Problems of a dependency that is up. */
  detail?: string;
}

/** The name of a dependency, and where it is logged why it is down. */
interface CheckContext {
  readonly dependency: string;
  readonly log: Pick<Logger, 'debug'>;
}

/** Never rejects: a probe that rejects or times out is reported as down. The probe's result is merged into the check. */
export async function runCheck<Facts extends object>(
  { dependency, log }: CheckContext,
  probe: () => Promise<Facts>,
): Promise<Check & Partial<Facts>> {
  const startedAt = performance.now();
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const facts = await withTimeout(probe(), timeoutMs);
    return { status: 'up', latencyMs: latency(), ...facts };
  } catch (err) {
    log.debug({ err, dependency }, 'dependency is down');
    return { status: 'down', latencyMs: latency() } as Check & Partial<Facts>;
  }
}

/** Adds the problems of a dependency that is up, if there are any. */
export function withDetail<T extends Check>(check: T, problems: readonly string[]): T {
  return check.status === 'up' && problems.length > 0 ? { ...check, detail: problems.join('; ') } : check;
}

/** Lets callers within `sharedForMs` share a result. */
export function shareBriefly<Result>(read: () => Promise<Result>): () => Promise<Result> {
  let latest: { result: Promise<Result>; at: number } | undefined;
  return () => {
    const now = performance.now();
    if (!latest || now - latest.at > sharedForMs) latest = { result: read(), at: now };
    return latest.result;
  };
}

/** Checks the dependencies of a process, with a timeout and a measured latency. */
import { withTimeout } from '../process/with-timeout.ts';

const timeoutMs = 2000;
const cacheMs = 500;

export interface Check {
  status: 'up' | 'down';
  latencyMs: number;
  /** Problems of a dependency that is up. */
  detail?: string;
}

/** Never rejects: a probe that rejects or times out is reported as down. The probe's result is merged into the check. */
export async function runCheck<Facts extends object>(probe: () => Promise<Facts>): Promise<Check & Partial<Facts>> {
  const startedAt = performance.now();
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const facts = await withTimeout(probe(), timeoutMs);
    return { status: 'up', latencyMs: latency(), ...facts };
  } catch {
    return { status: 'down', latencyMs: latency() } as Check & Partial<Facts>;
  }
}

/** Adds the problems of a dependency that is up, if there are any. */
export function withDetail<T extends Check>(check: T, problems: readonly string[]): T {
  return check.status === 'up' && problems.length > 0 ? { ...check, detail: problems.join('; ') } : check;
}

/** Caches the result of a check for `cacheMs`, so that concurrent callers share it. */
export function cacheFor<Health>(check: () => Promise<Health>): () => Promise<Health> {
  let latest: { health: Promise<Health>; at: number } | undefined;
  return () => {
    const now = Date.now();
    if (!latest || now - latest.at > cacheMs) latest = { health: check(), at: now };
    return latest.health;
  };
}

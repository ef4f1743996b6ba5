/** Asks what a process stands on whether it is there, with a limit and a measure of how long it took. */
import { withTimeout } from '../process/with-timeout.ts';

const timeoutMs = 2000;
const cacheMs = 500;

export interface Check {
  status: 'up' | 'down';
  latencyMs: number;
}

/** Never throws: what throws, or does not answer in time, is down. What `look` resolves with becomes part of the check. */
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

/** The check, whose answer serves all who ask within half a second. */
export function cacheFor<Health>(check: () => Promise<Health>): () => Promise<Health> {
  let latest: { health: Promise<Health>; at: number } | undefined;
  return () => {
    const now = Date.now();
    if (!latest || now - latest.at > cacheMs) latest = { health: check(), at: now };
    return latest.health;
  };
}

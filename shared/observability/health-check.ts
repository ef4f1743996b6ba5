/** Asks what a process stands on whether it is there, with a limit and a measure of how long it took. */

const timeoutMs = 2000;
const cacheMs = 500;

export interface Check {
  status: 'up' | 'down';
  latencyMs: number;
}

/** Never throws: what throws, or does not answer in time, is down. What `look` resolves with becomes part of the check. */
export async function runCheck<Facts extends object>(probe: () => Promise<Facts>): Promise<Check & Partial<Facts>> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const facts = await Promise.race([probe(), timeout]);
    return { status: 'up', latencyMs: latency(), ...facts };
  } catch {
    return { status: 'down', latencyMs: latency() } as Check & Partial<Facts>;
  } finally {
    clearTimeout(timer);
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

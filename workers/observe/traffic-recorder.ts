/** Counts what a worker commits, and adds the counts to the totals of all workers every few seconds. */
import { addTraffic, latencyBoundsMs, type TrafficMinute, toMinute } from '../../shared/observability/traffic.ts';
import type { CommitReport } from '../commit/committer.ts';
import type { WorkerDeps } from '../worker-context.ts';

const flushIntervalMs = 5000;

type TrafficRecorderDeps = Pick<WorkerDeps, 'redis' | 'keys' | 'log'>;

interface Counts extends TrafficMinute {
  updates: number;
  conflicts: number;
  readonly latencies: number[];
}

export class TrafficRecorder {
  readonly #deps: TrafficRecorderDeps;
  readonly #timer: NodeJS.Timeout;
  #minutes = new Map<number, Counts>();

  constructor(deps: TrafficRecorderDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.flush(), flushIntervalMs);
    this.#timer.unref();
  }

  /** @param now when it was published, in ms of this machine's clock */
  record({ jobs, applied, unpublished }: Pick<CommitReport, 'jobs' | 'applied' | 'unpublished'>, now: number): void {
    const counts = this.#findMinute(toMinute(now));
    for (const [field, fieldJobs] of jobs) {
      const { results = [], updates = [], commit } = applied.get(field) ?? {};
      counts.updates += updates.length;
      counts.conflicts += commit?.conflicts.length ?? 0;
      if (unpublished.has(field)) continue;
      for (const [index, { acceptedAt, grant }] of fieldJobs.entries()) {
        // Jobs of `enqueue` have no grant. They wait behind all others by design.
        if (!results[index] || !grant) continue;
        const found = latencyBoundsMs.findIndex((bound) => now - acceptedAt <= bound);
        const latencyClass = found < 0 ? latencyBoundsMs.length : found;
        counts.latencies[latencyClass] = (counts.latencies[latencyClass] ?? 0) + 1;
      }
    }
  }

  /** Never rejects: counts that cannot be written are dropped. */
  async flush(): Promise<void> {
    const minutes = [...this.#minutes.values()];
    this.#minutes = new Map();
    if (minutes.length === 0) return;
    const { redis, keys, log } = this.#deps;
    await addTraffic(redis, keys, minutes).catch((err: unknown) => log.debug({ err }, 'traffic write failed'));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #findMinute(at: number): Counts {
    const known = this.#minutes.get(at);
    if (known) return known;
    const latencies = new Array<number>(latencyBoundsMs.length + 1).fill(0);
    const counts = { at, updates: 0, conflicts: 0, latencies };
    this.#minutes.set(at, counts);
    return counts;
  }
}

/**
 * The life of a process: what starts registers how it stops, and is stopped in reverse order, each step guarded and
 * timed, within one deadline. Knows nothing of what it stops.
 */
import type { Logger } from './logger.ts';

type Stop = () => Promise<void> | void;

export interface Lifecycle {
  /** Registers how to stop something that has just started. */
  onStop(name: string, stop: Stop): void;
  /** Stops everything, last started first. Safe to call twice: both calls await the same end. */
  stop(): Promise<void>;
  /** Stops on SIGTERM and SIGINT and then ends the process; a second signal ends it at once. */
  stopOnSignals(): void;
  readonly isStopping: boolean;
}

export function createLifecycle(log: Logger, deadlineMs = 20_000): Lifecycle {
  const steps: { name: string; stop: Stop }[] = [];
  let stopped: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    const deadline = Date.now() + deadlineMs;
    for (const step of steps.reverse()) {
      const startedAt = Date.now();
      try {
        await withDeadline(step.stop(), Math.max(100, deadline - Date.now()), step.name);
        log.debug({ step: step.name, durationMs: Date.now() - startedAt }, 'stopped');
      } catch (error) {
        log.error({ err: error, step: step.name }, 'a step of the shutdown failed');
      }
    }
  }

  const lifecycle: Lifecycle = {
    onStop: (name, stop) => void steps.push({ name, stop }),
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
    get isStopping() {
      return stopped !== undefined;
    },
    stopOnSignals() {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.on(signal, () => {
          if (lifecycle.isStopping) process.exit(1);
          log.info({ signal }, 'stopping');
          void lifecycle.stop().then(() => process.exit(0));
        });
      }
    },
  };
  return lifecycle;
}

async function withDeadline(work: Promise<void> | void, timeoutMs: number, name: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not stop within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The lifecycle of a process: each resource registers how it is stopped. Steps run in reverse order within one deadline; a
 * step that fails or times out does not prevent the next.
 */
import type { Logger } from './logger.ts';
import { onShutdownSignals } from './shutdown-signals.ts';
import { withTimeout } from './with-timeout.ts';

type Stop = () => Promise<void> | void;

export interface Lifecycle {
  /** Registers how to stop a resource that has just started. */
  onStop(name: string, stop: Stop): void;
  /** Stops everything, last started first. Idempotent: all calls resolve together. */
  stop(): Promise<void>;
  /** Stops on SIGTERM, SIGINT and SIGHUP and then ends the process; a signal more than a second later ends it at once. */
  stopOnSignals(): void;
  /**
   * Runs what starts the process. A signal during the start closes the connections that it uses, so errors after the signal are
   * ignored. @throws what `start` throws before a signal
   */
  runStart(start: () => Promise<void>): Promise<void>;
  readonly isStopping: boolean;
  /** Aborted when the stop begins. */
  readonly signal: AbortSignal;
}

/** How long a process takes to stop at most, apart from the last steps. */
export const defaultDeadlineMs = 20_000;
/** A step gets this much time even if the steps before it have used the deadline up. */
const minStepTimeoutMs = 100;

export function createLifecycle(log: Logger): Lifecycle {
  const steps: { name: string; stop: Stop }[] = [];
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;
  let isSignalled = false;

  async function stopAll(): Promise<void> {
    const deadline = performance.now() + defaultDeadlineMs;
    for (const step of steps.reverse()) {
      const startedAt = performance.now();
      try {
        const timeoutMs = Math.ceil(Math.max(minStepTimeoutMs, deadline - performance.now()));
        await withTimeout(Promise.resolve(step.stop()), timeoutMs, `${step.name} did not stop within ${timeoutMs} ms`);
        log.debug({ step: step.name, durationMs: Math.round(performance.now() - startedAt) }, 'shutdown step finished');
      } catch (error) {
        log.error({ err: error, step: step.name }, 'shutdown step failed');
      }
    }
  }

  const lifecycle: Lifecycle = {
    onStop: (name, stop) => void steps.push({ name, stop }),
    stop: () => {
      stopping.abort();
      stopped ??= stopAll();
      return stopped;
    },
    async runStart(start) {
      try {
        await start();
      } catch (err) {
        if (!isSignalled) throw err;
        log.debug({ err }, 'start interrupted by a signal');
      }
    },
    get isStopping() {
      return stopping.signal.aborted;
    },
    signal: stopping.signal,
    stopOnSignals() {
      onShutdownSignals(
        (signal) => {
          isSignalled = true;
          log.info({ signal }, 'shutting down');
          void lifecycle.stop().then(() => process.exit(0));
        },
        () => process.exit(1),
      );
    },
  };
  return lifecycle;
}

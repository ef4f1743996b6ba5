/**
 * The processes of one run. Stops them one by one in the reverse order of their start, and starts none once it is
 * stopping, so that Ctrl-C during start-up leaves no process either.
 */
import { type RunningProcess, type StartProcess, startProcess } from './child-process.ts';

export interface ProcessGroup {
  start: StartProcess;
  readonly isStopping: boolean;
  /** Stops all processes, last started first. Idempotent: all calls return the same promise. */
  stop(): Promise<void>;
  /** Stops all processes at once, concurrently. */
  forceStop(): Promise<void>;
}

export function createProcessGroup(): ProcessGroup {
  const started: RunningProcess[] = [];
  let stopped: Promise<void> | undefined;

  async function stopInReverse(): Promise<void> {
    for (const child of [...started].reverse()) await child.stop();
  }

  return {
    async start(spec) {
      if (stopped) throw new Error(`${spec.name} was not started, because the process group is stopping`);
      const child = await startProcess(spec);
      started.push(child);
      return child;
    },
    get isStopping() {
      return stopped !== undefined;
    },
    stop() {
      stopped ??= stopInReverse();
      return stopped;
    },
    async forceStop() {
      stopped ??= Promise.resolve();
      await Promise.all(started.filter((child) => child.isRunning).map((child) => child.forceStop()));
    },
  };
}

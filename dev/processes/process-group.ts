/**
 * All processes of one run, in the order of their start. Stops them in reverse, one after the other, and starts none
 * once it is stopping, so that Ctrl-C in the middle of the start leaves nothing behind either.
 */
import { type RunningProcess, type StartProcess, startProcess } from './child-process.ts';

export interface ProcessGroup {
  start: StartProcess;
  readonly isStopping: boolean;
  /** Stops everything, last started first. Safe to call twice: both calls await the same end. */
  stop(): Promise<void>;
  /** Ends everything at once, all at the same time. */
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
      if (stopped) throw new Error(`${spec.name} was not started, since everything is stopping`);
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

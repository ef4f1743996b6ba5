/**
 * Starts and stops a child process. Each child leads its own process group, so that a terminal's Ctrl-C reaches only the
 * supervisor, which decides the order of shutdown, and so that its descendants can be killed with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { withTimeoutValue } from '../../shared/process/with-timeout.ts';
import { killGroup, recordProcess } from './pid-files.ts';

export interface ProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** The destination of stdout and stderr: a file descriptor, those of this process, or nothing. */
  output: number | 'inherit' | 'ignore';
  /** Opens an IPC channel. Its disconnection notifies the child that this process has ended (exit-with-parent.ts). */
  hasIpcChannel?: boolean;
  stopSignal: NodeJS.Signals;
  /** The signal for an immediate stop: SIGKILL unless the process must first end its own children. */
  forceSignal?: NodeJS.Signals;
  graceMs: number;
  /** The folder of its record (pid-files.ts), by which it is found after a `kill -9` of this process. */
  recordIn?: string;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly isRunning: boolean;
  /** Resolves with its exit status: `code 1`, `signal SIGKILL`. Never rejects. */
  readonly exited: Promise<string>;
  /** Sends the stop signal, awaits the exit, and kills it after the grace period. */
  stop(): Promise<void>;
  /** Sends the force signal, and kills it shortly after. */
  forceStop(): Promise<void>;
  sendSignal(signal: NodeJS.Signals): void;
}

export type StartProcess = (spec: ProcessOptions) => Promise<RunningProcess>;

/** The time between the force signal and SIGKILL. PostgreSQL itself waits 5 s for its children. */
const forceGraceMs = 6000;

/** @throws Error when the process cannot be started */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const child = spawn(options.command, options.args, {
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
    detached: true,
    stdio: ['ignore', options.output, options.output, ...(options.hasIpcChannel ? (['ipc'] as const) : [])],
  });
  const { pid } = child;
  if (pid === undefined) throw await waitForSpawnError(child, options);
  const { name, stopSignal, graceMs } = options;
  const removeRecord = options.recordIn
    ? recordProcess(options.recordIn, { name, pid, graceMs, ...(options.hasIpcChannel ? {} : { stopSignal }) })
    : () => {};
  return superviseChild(child, pid, options, removeRecord);
}

function superviseChild(
  child: ChildProcess,
  pid: number,
  options: ProcessOptions,
  removeRecord: () => void,
): RunningProcess {
  let isRunning = true;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      isRunning = false;
      removeRecord();
      killGroup(pid); // Its remaining descendants.
      resolve(signal ? `signal ${signal}` : `code ${code}`);
    });
  });
  child.on('error', () => {}); // A signal or message to a process that has ended; `exit` reports that.
  const sendSignal = (signal: NodeJS.Signals) => void (isRunning && child.kill(signal));
  const end = async (signal: NodeJS.Signals, graceMs: number) => {
    sendSignal(signal);
    if ((await withTimeoutValue(exited, graceMs, 'timeout')) === 'timeout') killGroup(pid);
    await exited;
  };
  return {
    name: options.name,
    pid,
    get isRunning() {
      return isRunning;
    },
    exited,
    sendSignal,
    stop: () => end(options.stopSignal, options.graceMs),
    forceStop: () => end(options.forceSignal ?? 'SIGKILL', forceGraceMs),
  };
}

function waitForSpawnError(child: ChildProcess, options: ProcessOptions): Promise<Error> {
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve(new Error(`${options.name} could not be started`, { cause })));
  });
}

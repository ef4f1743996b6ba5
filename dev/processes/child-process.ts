/**
 * The life of the processes that the stack consists of: started in a process group of their own (a terminal's Ctrl-C
 * reaches only us, so that we choose the order), stopped in reverse, and never left behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { killGroup, recordProcess } from './pid-files.ts';

export interface ProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Where stdout and stderr go: a file descriptor, our own, or nowhere. */
  output: number | 'inherit' | 'ignore';
  /** Opens an IPC channel, whose end tells the child that we are gone (follow-parent.ts). */
  hasIpcChannel?: boolean;
  stopSignal: NodeJS.Signals;
  /** What ends it at once and cleanly enough; SIGKILL unless it has children that must go as well. */
  forceSignal?: NodeJS.Signals;
  graceMs: number;
  /** Where to write it down for whoever comes after a `kill -9`. */
  recordIn?: string;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly isRunning: boolean;
  /** Settles with how it ended: `code 1`, `signal SIGKILL`. Never rejects. */
  readonly exited: Promise<string>;
  /** Asks it to stop, awaits the end, and kills it after its time of grace. */
  stop(): Promise<void>;
  /** Ends it at once. */
  forceStop(): Promise<void>;
  sendSignal(signal: NodeJS.Signals): void;
}

export type StartProcess = (spec: ProcessOptions) => Promise<RunningProcess>;

/** How long a process that was told to end at once may take before SIGKILL. PostgreSQL itself waits 5 s for children. */
const FORCE_GRACE_MS = 6000;

/** Starts a process. Rejects when it cannot be started at all. */
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
      killGroup(pid); // What it started and left behind.
      resolve(signal ? `signal ${signal}` : `code ${code}`);
    });
  });
  child.on('error', () => {}); // A signal or message that came too late; `exit` tells the rest.
  const sendSignal = (signal: NodeJS.Signals) => void (isRunning && child.kill(signal));
  const end = async (signal: NodeJS.Signals, graceMs: number) => {
    sendSignal(signal);
    if (!(await exitsWithin(exited, graceMs))) killGroup(pid);
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
    forceStop: () => end(options.forceSignal ?? 'SIGKILL', FORCE_GRACE_MS),
  };
}

function waitForSpawnError(child: ChildProcess, options: ProcessOptions): Promise<Error> {
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve(new Error(`${options.name} could not be started`, { cause })));
  });
}

async function exitsWithin(exited: Promise<string>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const ended = await Promise.race([exited.then(() => true), timeout]);
  clearTimeout(timer);
  return ended;
}

/**
 * The life of the processes that the stack consists of: started in a process group of their own (a terminal's Ctrl-C
 * reaches only us, so that we choose the order), stopped in reverse, and never left behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { killGroup, recordProcess } from './pid-files.ts';

export interface ProcessSpec {
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
  channel?: boolean;
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
  readonly running: boolean;
  /** Settles with how it ended: `code 1`, `signal SIGKILL`. Never rejects. */
  readonly exited: Promise<string>;
  /** Asks it to stop, awaits the end, and kills it after its time of grace. */
  stop(): Promise<void>;
  /** Ends it at once. */
  force(): Promise<void>;
  send(signal: NodeJS.Signals): void;
}

export type StartProcess = (spec: ProcessSpec) => Promise<RunningProcess>;

/** How long a process that was told to end at once may take before SIGKILL. PostgreSQL itself waits 5 s for children. */
const FORCE_GRACE_MS = 6000;

/** Starts a process. Rejects when it cannot be started at all. */
export async function startProcess(spec: ProcessSpec): Promise<RunningProcess> {
  const child = spawn(spec.command, spec.args, {
    env: spec.env,
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    detached: true,
    stdio: ['ignore', spec.output, spec.output, ...(spec.channel ? (['ipc'] as const) : [])],
  });
  const { pid } = child;
  if (pid === undefined) throw await whyNotStarted(child, spec);
  const { name, stopSignal, graceMs } = spec;
  const forget = spec.recordIn
    ? recordProcess(spec.recordIn, { name, pid, graceMs, ...(spec.channel ? {} : { stopSignal }) })
    : () => {};
  return superviseChild(child, pid, spec, forget);
}

function superviseChild(child: ChildProcess, pid: number, spec: ProcessSpec, forget: () => void): RunningProcess {
  let running = true;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      running = false;
      forget();
      killGroup(pid); // What it started and left behind.
      resolve(signal ? `signal ${signal}` : `code ${code}`);
    });
  });
  child.on('error', () => {}); // A signal or message that came too late; `exit` tells the rest.
  const send = (signal: NodeJS.Signals) => void (running && child.kill(signal));
  const end = async (signal: NodeJS.Signals, graceMs: number) => {
    send(signal);
    if (!(await endsWithin(exited, graceMs))) killGroup(pid);
    await exited;
  };
  return {
    name: spec.name,
    pid,
    get running() {
      return running;
    },
    exited,
    send,
    stop: () => end(spec.stopSignal, spec.graceMs),
    force: () => end(spec.forceSignal ?? 'SIGKILL', FORCE_GRACE_MS),
  };
}

function whyNotStarted(child: ChildProcess, spec: ProcessSpec): Promise<Error> {
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve(new Error(`${spec.name} could not be started`, { cause })));
  });
}

async function endsWithin(exited: Promise<string>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const ended = await Promise.race([exited.then(() => true), timeout]);
  clearTimeout(timer);
  return ended;
}

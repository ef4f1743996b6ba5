/** CPU time, memory and context switches of process trees, from /proc. On other systems than Linux all values are 0. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  readonly cpuMs: number;
  readonly memoryMb: number;
}

const tickMs = 10; // USER_HZ is 100 on every Linux that Node runs on.
const pageKb = 4;

/** CPU time and memory of each root process including its descendants. */
export function readUsageOfTrees(roots: readonly number[]): ReadonlyMap<number, Usage> {
  const usage = new Map(roots.map((root) => [root, { cpuMs: 0, memoryMb: 0 }]));
  const stats = new Map(readProcessIds().map((pid) => [Number(pid), readStat(pid)]));
  for (const [pid, fields] of stats) {
    const root = findRoot(pid, stats, usage);
    const sum = root === undefined ? undefined : usage.get(root);
    if (!sum) continue;
    // With the time of ended children, which would otherwise be missing from later readings.
    sum.cpuMs += [11, 12, 13, 14].reduce((ticks, index) => ticks + Number(fields[index]), 0) * tickMs;
    sum.memoryMb += readPrivateKb(String(pid)) / 1024;
  }
  return usage;
}

export interface ContextSwitches {
  /** Since a thread waited: each is followed by a wake-up. */
  readonly voluntary: number;
  /** Since another thread got the core. */
  readonly involuntary: number;
}

/** Context switches of all threads of each root process and its descendants, those of ended threads excluded. */
export function readContextSwitchesOfTrees(roots: readonly number[]): ReadonlyMap<number, ContextSwitches> {
  const sums = new Map(roots.map((root) => [root, { voluntary: 0, involuntary: 0 }]));
  const stats = new Map(readProcessIds().map((pid) => [Number(pid), readStat(pid)]));
  for (const pid of stats.keys()) {
    const root = findRoot(pid, stats, sums);
    const sum = root === undefined ? undefined : sums.get(root);
    if (!sum) continue;
    for (const status of readThreadStatuses(pid)) {
      sum.voluntary += Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
      sum.involuntary += Number(/^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
    }
  }
  return sums;
}

function readThreadStatuses(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
  } catch {
    return []; // The process or one of its threads has ended in the meantime.
  }
}

type Stats = ReadonlyMap<number, readonly string[]>;

function findRoot(pid: number, stats: Stats, roots: ReadonlyMap<number, unknown>): number | undefined {
  for (let at = pid; at > 1; at = Number(stats.get(at)?.[1] ?? 0)) if (roots.has(at)) return at;
  return undefined;
}

function readProcessIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** The fields of /proc/PID/stat after the process name: state, parent, group, … The name may contain spaces and parentheses. */
function readStat(pid: string): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // The process has exited in the meantime.
  }
}

/** Resident memory without shared pages, so that PostgreSQL's shared buffers are not counted for every backend. */
function readPrivateKb(pid: string): number {
  try {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number);
    return (resident - shared) * pageKb;
  } catch {
    return 0;
  }
}

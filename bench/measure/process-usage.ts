/** CPU time and memory of processes with their children, from /proc; nothing is known of them elsewhere than on Linux. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  readonly cpuMs: number;
  readonly memoryMb: number;
}

const tickMs = 10; // USER_HZ is 100 on every Linux that Node runs on.
const pageKb = 4;

/** What each of these processes and all below it have used and hold. PostgreSQL's are found by their parent alone. */
export function readUsageOfTrees(roots: readonly number[]): ReadonlyMap<number, Usage> {
  const usage = new Map(roots.map((root) => [root, { cpuMs: 0, memoryMb: 0 }]));
  const stats = new Map(readProcessIds().map((pid) => [Number(pid), readStat(pid)]));
  for (const [pid, fields] of stats) {
    const root = findRoot(pid, stats, usage);
    const sum = root === undefined ? undefined : usage.get(root);
    if (!sum) continue;
    sum.cpuMs += (Number(fields[11]) + Number(fields[12])) * tickMs;
    sum.memoryMb += readPrivateKb(String(pid)) / 1024;
  }
  return usage;
}

type Stats = ReadonlyMap<number, readonly string[]>;

function findRoot(pid: number, stats: Stats, roots: ReadonlyMap<number, Usage>): number | undefined {
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

/** What follows the name, which may hold anything: state, parent, group, … */
function readStat(pid: string): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // It has ended meanwhile.
  }
}

/** Resident and not shared, so that PostgreSQL's buffers are not counted once a backend. */
function readPrivateKb(pid: string): number {
  try {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number);
    return (resident - shared) * pageKb;
  } catch {
    return 0;
  }
}

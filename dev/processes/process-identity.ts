/**
 * Tells whether a pid that was written down is still the same process: pids are used again, start times are not.
 * Reads /proc where there is one, else asks `ps`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** When it started, in whatever form this system says it; only ever compared for equality. */
  startedAt: string;
}

const hasProcFs = existsSync('/proc/self/stat');

/** The identity of a living process; undefined for one that is gone, or dead and not yet reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!hasProcFs) {
    const startedAt = queryPs(pid, 'lstart');
    return startedAt ? { pid, startedAt } : undefined;
  }
  const [state, ...rest] = statFields(pid);
  const startedAt = rest[18];
  return startedAt === undefined || state === 'Z' || state === 'X' ? undefined : { pid, startedAt };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** The command line of a living process, empty when it is gone or may not be read. */
export function readCommand(pid: number): string {
  if (!hasProcFs) return queryPs(pid, 'command');
  return readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

export function readParentPid(pid: number): number {
  return Number(hasProcFs ? statFields(pid)[1] : queryPs(pid, 'ppid'));
}

/** What follows the name in /proc/<pid>/stat: state, parent, …; the name itself may hold spaces and brackets. */
function statFields(pid: number): string[] {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function queryPs(pid: number, column: string): string {
  try {
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return '';
  }
}

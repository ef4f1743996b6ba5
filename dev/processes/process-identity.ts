/**
 * Identifies processes by pid and start time, because pids are reused. Reads /proc where it exists, otherwise runs `ps`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** The start time in a system-specific format, only for comparison. */
  startedAt: string;
}

const hasProcFs = existsSync('/proc/self/stat');

/** The identity of a running process; undefined when it has ended or is a zombie. */
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

/** The command line of a running process; empty when it has ended or cannot be read. */
export function readCommand(pid: number): string {
  if (!hasProcFs) return queryPs(pid, 'command');
  return readProcFile(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

export function readParentPid(pid: number): number {
  return Number(hasProcFs ? statFields(pid)[1] : queryPs(pid, 'ppid'));
}

/** The fields after the name in /proc/<pid>/stat (state, parent, …). The name may contain spaces and parentheses. */
function statFields(pid: number): string[] {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Empty when the process has ended or the file cannot be read. */
function readProcFile(path: string): string {
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

/** The processes that a server has started, which are in no group of it. */
import { readdirSync, readFileSync } from 'node:fs';

/** The server's sessions, for PostgreSQL, which are processes. */
export function listChildren(parent: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && readParent(pid) === parent ? [pid] : [];
  });
}

function readParent(pid: number): number | undefined {
  try {
    return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined; // It has ended.
  }
}

export function signalIfAlive(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

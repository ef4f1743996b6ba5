/**
 * Knows the processes through which we were started (npm, its shell, tsx). Killed with SIGKILL they pass nothing on, and
 * we would run on without a terminal.
 */
import { existsSync } from 'node:fs';
import { identify, isAlive, type ProcessIdentity, readCommand, readParentPid } from './process-identity.ts';

const PACKAGE_MANAGER = /(^|[/\s])(npm|pnpm|yarn|bun)(-cli)?(\.c?js)?(\s|$)/;
const TSX = /[/\s]tsx(\/dist\/cli\.mjs)?(\s|$)/;
const MAX_GENERATIONS = 6;
/** Reading /proc costs microseconds, asking `ps` ten milliseconds. */
const CHECK_INTERVAL_MS = existsSync('/proc/self/stat') ? 250 : 3000;

/** From our parent up to the package manager; what started that may come and go. Without one, tsx if it is our parent. */
export function findLaunchers(): ProcessIdentity[] {
  const chain: ProcessIdentity[] = [];
  for (let pid = process.ppid; pid > 1 && chain.length < MAX_GENERATIONS; pid = readParentPid(pid)) {
    const identity = identify(pid);
    if (!identity) break;
    chain.push(identity);
    if (PACKAGE_MANAGER.test(readCommand(pid))) return chain;
  }
  return TSX.test(readCommand(process.ppid)) ? chain.slice(0, 1) : [];
}

/** Calls `onGone` once, with the pid of one of them that is no more. */
export function watchLaunchers(launchers: readonly ProcessIdentity[], onGone: (pid: number) => void): void {
  const timer = setInterval(() => {
    const gone = launchers.find((launcher) => !isAlive(launcher));
    if (!gone) return;
    clearInterval(timer);
    onGone(gone.pid);
  }, CHECK_INTERVAL_MS);
  timer.unref();
}

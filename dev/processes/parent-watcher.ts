/**
 * Finds and watches the processes that started this one (npm, its shell, tsx). When they are killed with SIGKILL, no
 * signal reaches this process, which would keep running without a terminal.
 */
import { existsSync } from 'node:fs';
import { identify, isAlive, type ProcessIdentity, readCommand, readParentPid } from './process-identity.ts';

const packageManager = /(^|[/\s])(npm|pnpm|yarn|bun)(-cli)?(\.c?js)?(\s|$)/;
const tsx = /[/\s]tsx(\/dist\/cli\.mjs)?(\s|$)/;
const maxGenerations = 6;
/** Reading /proc takes microseconds, running `ps` about 10 ms. */
const checkIntervalMs = existsSync('/proc/self/stat') ? 250 : 3000;

/** The ancestors up to the package manager. Without a package manager, the parent if it is tsx. */
export function findLaunchers(): ProcessIdentity[] {
  const chain: ProcessIdentity[] = [];
  for (let pid = process.ppid; pid > 1 && chain.length < maxGenerations; pid = readParentPid(pid)) {
    const identity = identify(pid);
    if (!identity) break;
    chain.push(identity);
    if (packageManager.test(readCommand(pid))) return chain;
  }
  return tsx.test(readCommand(process.ppid)) ? chain.slice(0, 1) : [];
}

/** Calls `onGone` once, with the pid of the first launcher that has ended. */
export function watchLaunchers(launchers: readonly ProcessIdentity[], onGone: (pid: number) => void): void {
  const timer = setInterval(() => {
    const gone = launchers.find((launcher) => !isAlive(launcher));
    if (!gone) return;
    clearInterval(timer);
    onGone(gone.pid);
  }, checkIntervalMs);
  timer.unref();
}

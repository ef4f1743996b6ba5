/**
 * The lock of a data folder: a file that identifies the owner's process by pid and start time, so that a lock of a dead
 * owner, or of a recycled pid, is replaced at once. `proper-lockfile` cannot replace this: it detects a stale lock only by
 * the age of its file (10 s by default), and records no owner that could be named in a message or, once orphaned, stopped.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './processes/process-identity.ts';

interface LockOwner extends ProcessIdentity {
  launchers: ProcessIdentity[];
}

/** The longest shutdown of an owner, which stops its processes one by one, each with its own grace period. */
const stopDeadlineMs = 90_000;

/**
 * Acquires the lock of `folder` and returns a function that releases it.
 * @throws Error that names the owner's pid, when another process has the lock
 */
export async function acquireDataDirLock(
  folder: string,
  launchers: readonly ProcessIdentity[],
  printLine: (line: string) => void,
): Promise<() => void> {
  const file = join(folder, 'lock.json');
  const ownText = JSON.stringify({ ...identify(process.pid), launchers });
  while (!createAtomically(file, ownText)) {
    const text = readOrEmpty(file);
    const owner = parseOwner(text);
    if (owner && isAlive(owner)) await waitForOrphanedOwner(owner, folder, printLine);
    else removeStaleLock(file, text);
  }
  return () => {
    if (readOrEmpty(file) === ownText) rmSync(file, { force: true });
  };
}

/** Stops and awaits an owner whose npm was killed. @throws Error when the owner is not orphaned */
async function waitForOrphanedOwner(
  owner: LockOwner,
  folder: string,
  printLine: (line: string) => void,
): Promise<void> {
  const { pid } = owner;
  if (owner.launchers.every(isAlive)) {
    throw new Error(
      `Another npm start (pid ${pid}) uses ${folder}. Stop it (Ctrl-C in its terminal, or: kill ${pid}), ` +
        'or use another folder: FIELD_DATA_DIR=./.field-2 npm start',
    );
  }
  printLine(`The previous npm start (pid ${pid}) lost its terminal: waiting until it has stopped`);
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + stopDeadlineMs;
  while (isAlive(owner)) {
    if (Date.now() > deadline) throw new Error(`The previous npm start does not stop. End it with: kill -9 ${pid}`);
    await delay(100);
  }
}

/** Creates the file with its whole text atomically. Returns false when it exists. */
function createAtomically(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Renames before removing, and restores the file if another process replaced the stale lock in between. */
function removeStaleLock(file: string, text: string): void {
  const stalePath = `${file}.${process.pid}.dead`;
  try {
    renameSync(file, stalePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readOrEmpty(stalePath) !== text) linkSync(stalePath, file);
  rmSync(stalePath, { force: true });
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    return JSON.parse(text) as LockOwner;
  } catch {
    return undefined; // A file truncated by a power failure has no owner.
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

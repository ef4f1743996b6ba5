/**
 * One owner a data folder: a file that names the owner's process. An owner that is dead, or whose pid another program
 * has by now, is replaced.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './processes/process-identity.ts';

interface LockOwner extends ProcessIdentity {
  launchers: ProcessIdentity[];
}

/** All that an owner may take to stop: each of its processes has its own time of grace. */
const STOP_DEADLINE_MS = 90_000;

/**
 * Takes the lock of `folder`. Returns how to give it back.
 * @throws a sentence that names the owner's pid, if there is one.
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

/** An owner whose npm was killed is about to stop by itself; any other owner keeps the folder. */
async function waitForOrphanedOwner(
  owner: LockOwner,
  folder: string,
  printLine: (line: string) => void,
): Promise<void> {
  const { pid } = owner;
  if (owner.launchers.every(isAlive)) {
    throw new Error(
      `Another npm start (pid ${pid}) uses ${folder}. Stop it (Ctrl-C in its terminal, or: kill ${pid}), ` +
        'or give this one a folder of its own: FIELD_DATA_DIR=./.field-2 npm start',
    );
  }
  printLine(`The npm start before this one (pid ${pid}) was cut off: waiting until it has stopped`);
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + STOP_DEADLINE_MS;
  while (isAlive(owner)) {
    if (Date.now() > deadline)
      throw new Error(`The npm start before this one does not stop. End it with: kill -9 ${pid}`);
    await delay(100);
  }
}

/** Creates the file with all its text in one step, so that nobody reads half of it. False when it exists. */
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

/** Moved away before it is removed: if somebody else was quicker and it is their lock, it is put back. */
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
    return undefined; // Cut short by a power cut: nobody's.
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

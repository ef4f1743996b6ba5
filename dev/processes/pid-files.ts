/**
 * Records of started processes, one file each in a folder. The next run uses them to stop processes that a `kill -9` has left
 * running.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface ProcessRecord extends ProcessIdentity {
  name: string;
  /** Undefined for a process that stops by itself when its parent ends. */
  stopSignal?: NodeJS.Signals;
  graceMs: number;
  /** Milliseconds since 1970, with fractions. */
  recordedAt: number;
}

/** Writes the record synchronously, to be called right after the start. Returns a function that removes the record. */
export function recordProcess(
  folder: string,
  processInfo: Omit<ProcessRecord, 'startedAt' | 'recordedAt'>,
): () => void {
  mkdirSync(folder, { recursive: true });
  const identity = identify(processInfo.pid);
  if (!identity) return () => {};
  const file = join(folder, `${processInfo.name}-${processInfo.pid}.json`);
  const recordedAt = performance.timeOrigin + performance.now();
  writeFileSync(file, JSON.stringify({ ...processInfo, ...identity, recordedAt } satisfies ProcessRecord));
  return () => rmSync(file, { force: true });
}

/** The records in `folder` whose processes are running, the last started first. */
export function listLiveRecords(folder: string): ProcessRecord[] {
  return readRecords(folder)
    .filter((record) => isAlive(record))
    .sort((a, b) => b.recordedAt - a.recordedAt);
}

/** Stops recorded processes one after the other, and removes their records. */
export async function stopRecordedProcesses(folder: string, records = listLiveRecords(folder)): Promise<void> {
  for (const record of records) {
    if (record.stopSignal) signal(record.pid, record.stopSignal);
    await exitsWithin(record, record.graceMs);
    killGroup(record.pid);
    await exitsWithin(record, 5000);
    rmSync(join(folder, `${record.name}-${record.pid}.json`), { force: true });
  }
}

function readRecords(folder: string): ProcessRecord[] {
  let files: string[] = [];
  try {
    files = readdirSync(folder);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return files.flatMap((file) => {
    try {
      return [JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProcessRecord];
    } catch {
      // Truncated by a power failure, or removed meanwhile: there is nothing left to stop.
      return [];
    }
  });
}

async function exitsWithin(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await delay(50);
  }
  return true;
}

/** Kills the process group of a process, even when its leader has already ended. */
export function killGroup(pid: number): void {
  signal(-pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // The process has ended, or belongs to another user (a package manager under sudo).
    if (!['ESRCH', 'EPERM'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

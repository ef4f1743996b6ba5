/**
 * Writes down which processes were started, so that whoever comes after a `kill -9` can stop them: one small file a
 * process in a folder, newest stopped first.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface ProcessRecord extends ProcessIdentity {
  name: string;
  /** Absent for a process that stops by itself once its parent is gone. */
  stopSignal?: NodeJS.Signals;
  graceMs: number;
  /** Milliseconds since 1970, with fractions. */
  recordedAt: number;
}

/** Writes the record at once, synchronously: between the start and this there must be nothing. Returns how to erase it. */
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

/** Those recorded in `folder` that still live, the last started first. */
export function listLiveRecords(folder: string): ProcessRecord[] {
  return readRecords(folder)
    .filter((record) => isAlive(record))
    .sort((a, b) => b.recordedAt - a.recordedAt);
}

/** Stops what an owner that died has left running, one after the other, and forgets all the records. */
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
      // Cut short by a power cut, or erased just now: nothing that it could still name is ours to stop.
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

/** Kills a process that leads a group, or what it has left behind of it. */
export function killGroup(pid: number): void {
  signal(-pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // Nobody there any more, or (a package manager under sudo) not ours to kill.
    if (!['ESRCH', 'EPERM'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/**
 * The clock of one process, which can be stepped while the process runs. With libfaketime (Debian's package `libfaketime`)
 * every call for the time of day is shifted; without it, a preloaded module shifts JavaScript's `Date`. Either reads its
 * offset from a file. Monotonic clocks go on as they are, as they do when a real clock is set.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessOptions } from '../../../dev/processes/child-process.ts';

const libraryFolder = '/usr/lib';

/** How the clocks are stepped, for the report. */
type ClockMethod = 'libfaketime' | 'preload';

/** How the clocks of this machine's processes will be stepped. */
export function clockMethod(): ClockMethod {
  return findLibrary() ? 'libfaketime' : 'preload';
}

export interface ProcessClock {
  readonly method: ClockMethod;
  /** Makes the process read the clock. */
  applyTo(options: ProcessOptions): ProcessOptions;
  /** Sets how far the clock is ahead (or behind, if negative). The process notices within a second. */
  step(offsetSeconds: number): Promise<void>;
}

/** @param file where the offset is stored */
export async function createProcessClock(file: string): Promise<ProcessClock> {
  const library = findLibrary();
  const step = async (offsetSeconds: number) => {
    const text = library ? `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n` : String(offsetSeconds);
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await step(0);
  if (!library) return { method: 'preload', applyTo: (options) => preloadShift(options, file), step };
  const variables = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_RESET: '1',
  };
  const applyTo = (options: ProcessOptions) => ({ ...options, env: { ...options.env, ...variables } });
  return { method: 'libfaketime', applyTo, step };
}

function findLibrary(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return readdirSync(libraryFolder)
    .map((folder) => join(libraryFolder, folder, 'faketime', 'libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}

function preloadShift(options: ProcessOptions, file: string): ProcessOptions {
  const preload = new URL('./shift-date.ts', import.meta.url).href;
  const env = { ...options.env, CLOCK_OFFSET_FILE: file };
  return { ...options, env, args: ['--import', import.meta.resolve('tsx'), '--import', preload, ...options.args] };
}

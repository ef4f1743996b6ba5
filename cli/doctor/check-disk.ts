/** Checks the free space of the disk that holds a folder. */
import { statfs } from 'node:fs/promises';
import { type Finding, finding, ok, type Subject } from './findings.ts';

const gibibyte = 2 ** 30;
/** PostgreSQL and Redis need free space to rewrite their files. */
const lowFreeRatio = 0.05;
const ampleFreeBytes = 20 * gibibyte;

interface Disk {
  readonly folder: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** No findings for a folder that is not on this machine or cannot be read. */
export async function checkDisk(subject: Subject, folder: string): Promise<Finding[]> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return [evaluateDisk(subject, { folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize })];
  } catch {
    return [];
  }
}

export function evaluateDisk(subject: Subject, { folder, freeBytes, totalBytes }: Disk): Finding {
  const free = `${(freeBytes / gibibyte).toFixed(1)} of ${(totalBytes / gibibyte).toFixed(1)} GiB free under ${folder}`;
  const isLow = freeBytes < Math.min(totalBytes * lowFreeRatio, ampleFreeBytes);
  return isLow ? finding(subject, 'disk_low', `only ${free}`) : ok(subject, free);
}

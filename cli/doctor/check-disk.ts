/** Whether the disk under a folder has room left. */
import { statfs } from 'node:fs/promises';
import { type Finding, finding, ok, type Subject } from './findings.ts';

const gibibyte = 2 ** 30;
/** PostgreSQL and Redis need room for rewriting what they have. */
const lowFreeRatio = 0.05;
const ampleFreeBytes = 20 * gibibyte;

interface Disk {
  readonly folder: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Nothing is said of a folder that is not on this machine, or not for us to see. */
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
  return isLow ? finding(subject, 'disk_short', `only ${free}`) : ok(subject, free);
}

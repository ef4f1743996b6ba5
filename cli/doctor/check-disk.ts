/** Whether the disk under a folder has room left. */
import { statfs } from 'node:fs/promises';
import { type Finding, fine, found, type Subject } from './findings.ts';

const giga = 2 ** 30;
/** PostgreSQL and Redis need room for rewriting what they have. */
const shortShare = 0.05;
const plentyBytes = 20 * giga;

interface Disk {
  readonly folder: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Nothing is said of a folder that is not on this machine, or not for us to see. */
export async function checkDisk(subject: Subject, folder: string): Promise<Finding[]> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return [judgeDisk(subject, { folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize })];
  } catch {
    return [];
  }
}

export function judgeDisk(subject: Subject, { folder, freeBytes, totalBytes }: Disk): Finding {
  const free = `${(freeBytes / giga).toFixed(1)} of ${(totalBytes / giga).toFixed(1)} GiB free under ${folder}`;
  const isShort = freeBytes < Math.min(totalBytes * shortShare, plentyBytes);
  return isShort ? found(subject, 'disk_short', `only ${free}`) : fine(subject, free);
}

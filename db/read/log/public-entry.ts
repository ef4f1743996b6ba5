/** Log entries as readers get them: without users and salts, and for an erasure only which entries it concerns. */

import { formatCursor } from '../../../shared/field/cursor.ts';
import type { LogPage } from '../field-reader.ts';

export function toPublicEntry(entry: LogPage['updates'][number]) {
  const { version, hash, time, outcome, resolution } = entry;
  const header = { version, cursor: formatCursor(version, hash), time, outcome, ...(resolution ? { resolution } : {}) };
  if ('update' in entry) return { ...header, device: entry.device, update: entry.update };
  if (!('erasure' in entry)) return { ...header, contentHash: entry.contentHash };
  const { id, from, versions } = entry.erasure;
  return {
    ...header,
    erasure: { id, from, versions: versions.map(([first, last]): [number, number] => [first, last]) },
  };
}

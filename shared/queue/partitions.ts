/**
 * Which of the queues a field's updates go through. There are as many as there are workers, and each is read by one of
 * them, so that a field stays with one worker: the others would wait for its row, and fold again what that one has folded.
 *
 * It is a preference, not a lock: while workers come and go, two may read a queue, or a field may go through another one.
 * Nothing is lost or doubled by that, since the row's lock and the log decide what is applied.
 */
import { updatesQueue } from '../contract/job.ts';
import type { FieldId } from '../field/ids.ts';

/** More workers than this stand by. */
export const maxPartitions = 16;

/** What keys in the queue's Redis start with, under `QUEUE_PREFIX`. Those of one queue share a hash tag, and so a cluster's slot. */
export function queuePrefix(prefix: string): string {
  return `{${prefix}}`;
}

/** The first queue is there from the start; the others have tags of their own, so that a cluster can spread them. */
export function getPartitionName(prefix: string, partition: number): { queue: string; prefix: string } {
  if (partition === 0) return { queue: updatesQueue, prefix: queuePrefix(prefix) };
  return { queue: `${updatesQueue}-${partition}`, prefix: queuePrefix(`${prefix}-${partition}`) };
}

/** The same in every process. FNV-1a, 32 bits; ids are ASCII. */
export function getPartition(field: FieldId, count: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < field.length; index++) {
    hash = Math.imul(hash ^ field.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % count;
}

/**
 * The assignment of fields to partitions. There is one partition for each worker, so that the updates of a field are applied by one
 * worker: several workers would have to refold after each other's commits.
 *
 * The assignment is an optimization, not a lock: during a rebalance two workers may read a partition, or a field may move to
 * another one. Correctness depends only on the comparison in each commit (`db/write/append-commits.ts`).
 */
import { updatesQueue } from '../contract/job.ts';
import type { FieldId } from '../field/ids.ts';
import { fnv1a } from '../field/math/fnv1a.ts';

/** Workers beyond this number are on standby. */
export const maxPartitions = 16;

/** The prefix of keys in the queue's Redis. Keys of one queue share a hash tag, and so the slot of a cluster. */
export function queuePrefix(prefix: string): string {
  return `{${prefix}}`;
}

/** Partition 0 has the plain names. The others have their own hash tags, so that a cluster can distribute them. */
export function getPartitionName(prefix: string, partition: number): { queue: string; prefix: string } {
  if (partition === 0) return { queue: updatesQueue, prefix: queuePrefix(prefix) };
  return { queue: `${updatesQueue}-${partition}`, prefix: queuePrefix(`${prefix}-${partition}`) };
}

/** The partition of a field among `count` active ones: the same in every process. */
export function getPartition(field: FieldId, count: number): number {
  return fnv1a(field) % count;
}

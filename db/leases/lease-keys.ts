/**
 * The advisory locks by which workers lease partitions. Their class is derived from `QUEUE_PREFIX`; advisory locks belong to
 * one database, so neither two databases of a server nor two prefixes in a database affect each other.
 */
import { fnv1a } from '../../shared/field/math/fnv1a.ts';

/** The object of the lock that every worker shares. Partitions are locked by their numbers, which are lower. */
export const membershipKey = 1000;

/** Positive, so that the number is the same as the `int4` of the functions and as the `oid` in `pg_locks`. */
export function leaseClass(prefix: string): number {
  return fnv1a(`field-leases:${prefix}`) & 0x7fffffff;
}

/** The channel on which workers announce that they joined, left or released a partition. */
export function leaseChannel(leaseClassId: number): string {
  return `field_leases_${leaseClassId}`;
}

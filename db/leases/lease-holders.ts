/** Reads from `pg_locks` which workers are running and which partitions they have leased. */
import type { Knex } from 'knex';
import { leaseClass, membershipKey } from './lease-keys.ts';

export interface LeaseHolder {
  /** The pid of its session in PostgreSQL. */
  readonly id: number;
  readonly partitions: readonly number[];
}

/** @param leaseClassId the placeholder of the class of the locks */
export const leaseHoldersSql = (leaseClassId: string) => `
  SELECT pid AS id, coalesce(array_agg(objid::int) FILTER (WHERE objid <> ${membershipKey}), '{}') AS partitions
    FROM pg_locks
   WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = ${leaseClassId}::oid
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   GROUP BY pid`;

/** The running workers of an installation. */
export async function readLeaseHolders(db: Knex, prefix: string): Promise<LeaseHolder[]> {
  const { rows } = await db.raw<{ rows: LeaseHolder[] }>(leaseHoldersSql('?'), [leaseClass(prefix)]);
  return rows;
}

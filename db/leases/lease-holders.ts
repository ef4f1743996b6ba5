/** Reads from `pg_locks` which workers are running and which partitions they have leased. */
import type { Knex } from 'knex';
import { leaseClass, membershipKey } from './lease-keys.ts';

export interface LeaseHolder {
  /** The pid of its session in PostgreSQL. */
  readonly id: number;
  readonly partitions: readonly number[];
  /** Whether it has sent no query for longer than a healthy worker does: it may be about to be lost. */
  readonly isSilent: boolean;
}

/** Two missed renewals, measured by PostgreSQL's clock like the session's timeout. */
export const silentAfterMs = 6000;

/** @param leaseClassId the placeholder of the class of the locks */
export const leaseHoldersSql = (leaseClassId: string) => `
  SELECT pid AS id, coalesce(array_agg(objid::int) FILTER (WHERE objid <> ${membershipKey}), '{}') AS partitions,
         coalesce(max(state_change) < clock_timestamp() - interval '${silentAfterMs} ms', false) AS "isSilent"
    FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
   WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = ${leaseClassId}::oid
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   GROUP BY pid`;

/** The running workers of an installation. */
export async function readLeaseHolders(db: Knex, prefix: string): Promise<LeaseHolder[]> {
  const { rows } = await db.raw<{ rows: LeaseHolder[] }>(leaseHoldersSql('?'), [leaseClass(prefix)]);
  return rows;
}

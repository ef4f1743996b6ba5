/** The settings of the PostgreSQL server that matter to operators. */
import type { Knex } from 'knex';

export interface ServerSettings {
  /** For example 180004 for 18.4. */
  readonly versionNumber: number;
  readonly version: string;
  readonly isReadOnly: boolean;
  readonly maxConnections: number;
  /** Reserved for superusers and for roles with `pg_use_reserved_connections`. */
  readonly reservedConnections: number;
  readonly usedConnections: number;
  /** The server's clock, in ms. */
  readonly now: number;
  /** Null unless the role may read it (`pg_read_all_settings`). */
  readonly dataDirectory: string | null;
}

const settingsSql = `
  SELECT current_setting('server_version_num')::int AS "versionNumber",
         split_part(current_setting('server_version'), ' ', 1) AS version,
         current_setting('transaction_read_only')::bool OR pg_is_in_recovery() AS "isReadOnly",
         current_setting('max_connections')::int AS "maxConnections",
         current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true), '0')::int AS "reservedConnections",
         (SELECT sum(numbackends)::int FROM pg_stat_database) AS "usedConnections",
         (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
         (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS "dataDirectory"`;

export async function readServerSettings(db: Knex): Promise<ServerSettings> {
  const { rows } = await db.raw<{ rows: [ServerSettings] }>(settingsSql);
  return rows[0];
}

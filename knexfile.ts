/** Configures knex's own command: `npx knex migrate:latest`, with DATABASE_URL set. */
import type { Knex } from 'knex';
import { migrationConfig, migrationLockId } from './db/migrations/migrate.ts';

interface Connection {
  query(text: string, values: readonly unknown[], done: (error: Error | null) => void): void;
}
type Done = (error: Error | null, connection: Connection) => void;

/** Waits until no other process migrates. PostgreSQL releases the lock when the connection ends. */
function takeMigrationLock(connection: Connection, done: Done): void {
  connection.query('SELECT pg_advisory_lock($1)', [migrationLockId], (error) => done(error, connection));
}

const config: Knex.Config = {
  ...migrationConfig(process.env.DATABASE_URL),
  // One connection: a second one would wait for the lock of the first.
  pool: { min: 0, max: 1, afterCreate: takeMigrationLock },
};

export default config;

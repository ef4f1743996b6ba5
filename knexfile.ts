/** For knex's own command: `npx tsx node_modules/knex/bin/cli.js --knexfile knexfile.ts migrate:status`. */
import type { Knex } from 'knex';
import { migrationSource } from './db/migrations/source.ts';

const config: Knex.Config = {
  client: 'pg',
  connection: process.env.DATABASE_URL,
  pool: { min: 0, max: 2 },
  migrations: { migrationSource },
};

export default config;

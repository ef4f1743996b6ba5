/** The migration that hashes logs which were written by the rules of release 0.1.0. */
import t from 'tap';
import { migrate, migrateDown } from '../../db/migrations/migrate.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { withPgClient } from '../support/servers/query-postgres.ts';
import { garden, withFilledBacking } from '../support/with-backup.ts';

t.test('metrics that the former rules computed otherwise are those of the migrated state', async (t) => {
  const { config, db } = await withFilledBacking(t);
  const url = directDatabaseUrl(config);
  await withPgClient(url, (client) => client.query('UPDATE knex_migrations SET batch = id'));
  let undone: string[] = [];
  while (!undone.includes('005-chained-history')) ({ undone } = await migrateDown(url));
  await withPgClient(url, (client) =>
    client.query(`UPDATE consciousness_states SET global_resonance = global_resonance + 1e-12, room64_active = true,
      collective_intelligence = collective_intelligence + 1e-12`),
  );
  await migrate(url);
  t.same((await verifyField(db, garden)).differences, []);
});

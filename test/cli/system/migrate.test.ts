import t from 'tap';
import { listMigrations } from '../../../db/migrations/source.ts';
import { queryPostgres } from '../../support/servers/query-postgres.ts';
import { withDatabase } from '../../support/servers/servers.ts';
import { withField } from '../run-field.ts';

t.test('migrate applies and rolls back the schema, and deletes fields only with --yes', async (t) => {
  const { url } = await withDatabase(t);
  const field = await withField(t, { DATABASE_URL: url });
  const status = async () => JSON.parse((await field(['migrate', '--status', '--json'])).stdout);

  const all = listMigrations();

  t.same(await status(), { applied: all, pending: [] });
  t.match(await field(['migrate']), { code: 0, stdout: 'The database is up to date.\n' });

  await queryPostgres(
    url,
    `insert into consciousness_states
    (field_id, genesis, hash, log_start_hash, snapshot_hash, global_resonance, collective_intelligence, room64_active, memory_particles, quantum_fields, cells, dynamics)
    values ('garden', gen_random_uuid(), '', '', '', 0, 0, false, '[]', '[]', '[]', '{}')`,
  );
  t.match(await field(['migrate', '--down']), { code: 1, stderr: /Refused: .*the field garden.*--yes/s });
  t.same(await status(), { applied: all, pending: [] });

  t.match(await field(['migrate', '--down', '--yes']), {
    code: 0,
    stdout: `Rolled back: ${all.toReversed().join(', ')}\n`,
  });
  t.match(await field(['migrate', '--status']), { code: 0, stdout: all.map((name) => `pending  ${name}\n`).join('') });
  t.match(await field(['state', 'global']), { code: 3, stderr: /has no tables yet.*npx consciousness-field migrate/s });
  t.match(await field(['migrate', '--down']), { code: 0, stdout: 'There is nothing to roll back.\n' });
  t.match(await field(['migrate']), { code: 0, stdout: `Applied: ${all.join(', ')}\n` });
  t.match(await field(['state', 'global', '--json']), { code: 0, stdout: /^\{"field":"global","version":0,/ });
});

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { listBackupTables } from '../../../db/backup/backup-tables.ts';
import { restoreBackup } from '../../../db/backup/restore-backup.ts';
import { connectDatabase } from '../../../db/connect.ts';
import { migrateDown } from '../../../db/migrations/migrate.ts';
import { listMigrations } from '../../../db/migrations/source.ts';
import { recordRuleSettings } from '../../../db/models/rule-setting.ts';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { listFields, verifyField } from '../../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { encodeSnapshot } from '../../../shared/field/snapshot.ts';
import type { FieldState } from '../../../shared/field/state.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { withDatabase } from '../../support/servers/servers.ts';
import { jobOf, setCell } from '../../support/updates.ts';
import { alice, backUp, dumpRows, garden, pond, withFilledBacking } from '../../support/with-backup.ts';

t.test('a restored database has the same rows as the original and replays to the same states', async (t) => {
  const source = await withFilledBacking(t);
  const cursor = 'c1-0-000000000000-0';
  const webhook = { id: randomUUID(), url: 'https://example.org/', fields: ['*'], status: 'active', cursor };
  await source.db('webhooks').insert(webhook);
  const deadLetter = { webhook_id: webhook.id, after_cursor: cursor, through_cursor: cursor, reason: 'status 422' };
  await source.db('webhook_dead_letters').insert(deadLetter);
  const before = await dumpRows(directDatabaseUrl(source.config));
  const { path, manifest } = await backUp(t, source);
  t.same(manifest.fields, [
    { field: garden, version: 33 },
    { field: pond, version: 1 },
  ]);
  t.equal(manifest.installation, await source.reader.readInstallation());
  t.equal(manifest.files.find(({ table }) => table === 'field_updates')?.rows, 34);

  const target = await withBacking(t);
  const url = directDatabaseUrl(target.config);
  // As a worker does that has started on the empty database.
  await recordRuleSettings(target.db, { GRID_SIZE: 12 });
  await restoreBackup({ folder: path, url });
  const { webhooks: __, ...restored } = await dumpRows(url);
  const { webhooks: _, ...others } = before;
  t.same(restored, others);
  t.same(await target.db('webhooks').pluck('status'), ['paused'], 'a copy sends nothing to the receivers');
  t.ok(
    before.field_conflicts?.length && before.field_snapshots?.length,
    'the comparison includes conflicts and snapshots',
  );
  for (const field of await listFields(target.db)) {
    t.same((await verifyField(target.db, field)).differences, []);
    t.same(await target.reader.loadState(field), await source.reader.loadState(field));
  }
  t.not(await target.reader.readInstallation(), manifest.installation, 'the restored database is a new installation');

  t.comment('updates that were pending in the fallback queue are applied exactly once');
  await withWorker(t, target);
  await waitForVersion(target, garden, 35);
  const state = await target.reader.loadState(garden);
  t.equal(state?.cells.get('5,0')?.value, 0.5);
  t.equal(state?.cells.get('6,0')?.value, 0.6);
  await target.producer.enqueue(jobOf(garden, alice, [setCell(32, 5, 0.5), setCell(34, 7, 0.7)]));
  await waitForVersion(target, garden, 36);
});

t.test('a backup of an older schema is loaded under that schema, which is then migrated', async (t) => {
  const source = await withFilledBacking(t);
  const before = await source.reader.loadState(garden);
  const DATABASE_URL = directDatabaseUrl(source.config);
  await withPgClient(DATABASE_URL, (client) => client.query('UPDATE knex_migrations SET batch = id'));
  // Rolling back the migration of the fallback queue keeps its tables and jobs.
  await migrateDown(DATABASE_URL);
  await migrateDown(DATABASE_URL);
  const { path, manifest } = await backUp(t, source);
  const [firstMissing, last] = listMigrations().slice(-2);
  t.same(manifest.migrations, listMigrations().slice(0, -2));
  const { directUrl: url } = await withDatabase(t);
  await t.rejects(restoreBackup({ folder: path, url }), { check: 'not_empty', message: String(firstMissing) });
  await withPgClient(url, (client) =>
    client.query('DROP SCHEMA public CASCADE; DROP SCHEMA bullmq CASCADE; CREATE SCHEMA public'),
  );
  await restoreBackup({ folder: path, url });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'test', log: source.log });
  t.teardown(() => db.destroy());
  t.same(
    (await verifyField(db, garden)).differences,
    [],
    'the migrated log is hashed, and its state is the fold of it',
  );
  const after = await createFieldReader(db).loadState(garden);
  if (!before || !after) throw new Error('the field is missing');
  const withoutHash = (state: FieldState) => ({ ...encodeSnapshot(state), hash: undefined });
  t.same(withoutHash(after), withoutHash(before), 'the salts, and so the hashes, are random');
  const { rows } = await db.raw('SELECT name FROM knex_migrations ORDER BY id DESC LIMIT 1');
  t.same(rows, [{ name: last }]);
});

t.test('every table is backed up, and the schema has no sequences', async (t) => {
  const { directUrl: url } = await withDatabase(t);
  await withPgClient(url, async (client) => {
    const tables = (await listBackupTables(client)).map(({ table }) => table);
    const { rows } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    );
    const left = rows.map(({ name }) => name).filter((name) => !tables.includes(name));
    t.same(left.sort(), [
      'backups',
      'installation',
      'knex_migrations',
      'knex_migrations_lock',
      'maintenance_tasks',
      'unpublished_fields',
    ]);
    const { rows: sequences } = await client.query(
      `SELECT FROM pg_sequences WHERE schemaname = 'public' AND sequencename !~ '^knex_'`,
    );
    t.equal(sequences.length, 0, 'backups do not include sequences; add support before using one');
  });
});

t.test('the manifest is indented, so that people can read it', async (t) => {
  const { path } = await backUp(t, await withFilledBacking(t));
  const text = await readFile(join(path, 'manifest.json'), 'utf8');
  t.match(text, /"field": "garden",\n\s+"version": 33/);
});

import { readFile, writeFile } from 'node:fs/promises';
import knex from 'knex';
import t, { type Test } from 'tap';
import { migrate, migrateDown } from '../../db/migrations/migrate.ts';
import { dumpSchema } from '../support/dump-schema.ts';
import { withDatabase } from '../support/servers/servers.ts';

const schemaFile = new URL('../../db/schema.sql', import.meta.url);

const openDatabase = (t: Test, url: string) => {
  const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } });
  t.teardown(() => db.destroy());
  return db;
};

t.test('the migrated schema equals db/schema.sql (UPDATE_SCHEMA=1 rewrites the file)', async (t) => {
  const { directUrl: url } = await withDatabase(t);
  const schema = await dumpSchema(openDatabase(t, url));
  if (process.env.UPDATE_SCHEMA) await writeFile(schemaFile, schema);
  t.equal(schema, await readFile(schemaFile, 'utf8'));
});

t.test('rolling back every migration empties the database, and migrating again restores the same schema', async (t) => {
  const { directUrl: url } = await withDatabase(t);
  const db = openDatabase(t, url);
  const before = await dumpSchema(db);
  t.ok((await migrateDown(url)).undone.length > 0, 'something was undone');
  t.equal(await dumpSchema(db), '');
  t.ok((await migrate(url)).applied.length > 0, 'something was applied');
  t.equal(await dumpSchema(db), before);
});

t.test('when many processes migrate at once, exactly one applies the migrations', async (t) => {
  const { directUrl: url } = await withDatabase(t);
  const { undone } = await migrateDown(url);
  const runs = await Promise.all(Array.from({ length: 8 }, () => migrate(url)));
  const applied = runs.flatMap((run) => run.applied);
  t.equal(applied.length, undone.length);
  t.equal(runs.filter((run) => run.applied.length > 0).length, 1);
});

/** Reads the schema of a database from the system catalog as text, which CI compares with db/schema.sql. */
import type { Knex } from 'knex';

const tablesSql = `
  SELECT c.oid, c.relname AS name, array_to_string(c.reloptions, ', ') AS options
  FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'knex\\_%'
  ORDER BY c.relname`;

const columnsSql = `
  SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN coll.collname IS NULL OR coll.collname = 'default' THEN ''
       ELSE ' COLLATE "' || coll.collname || '"' END
    || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
  FROM pg_attribute a
  LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
  LEFT JOIN pg_collation coll ON coll.oid = a.attcollation
  WHERE a.attrelid = ? AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attnum`;

const constraintsSql = `
  SELECT pg_get_constraintdef(oid) AS line FROM pg_constraint
  WHERE conrelid = ? AND contype IN ('p', 'u', 'c', 'f') ORDER BY contype DESC, conname`;

const indexesSql = `
  SELECT pg_get_indexdef(i.indexrelid) AS line FROM pg_index i
  WHERE i.indrelid = ? AND NOT EXISTS (SELECT FROM pg_constraint con WHERE con.conindid = i.indexrelid)
  ORDER BY 1`;

interface Table {
  readonly oid: number;
  readonly name: string;
  readonly options: string | null;
}

export async function dumpSchema(db: Knex): Promise<string> {
  const { rows: tables }: { rows: Table[] } = await db.raw(tablesSql);
  const texts: string[] = [];
  for (const { oid, name, options } of tables) {
    const parts = [...(await readLines(db, columnsSql, oid)), ...(await readLines(db, constraintsSql, oid))];
    const indexes = await readLines(db, indexesSql, oid);
    const storage = options ? ` WITH (${options})` : '';
    texts.push(
      `CREATE TABLE ${name} (\n  ${parts.join(',\n  ')}\n)${storage};\n${indexes.map((line) => `${line};\n`).join('')}`,
    );
  }
  return texts.join('\n');
}

async function readLines(db: Knex, sql: string, table: number): Promise<string[]> {
  const { rows }: { rows: { line: string }[] } = await db.raw(sql, [table]);
  return rows.map(({ line }) => line);
}

/**
 * A disk-full error from PostgreSQL. No disk is filled: a trigger raises what PostgreSQL raises then (SQLSTATE 53100,
 * disk_full) on every insert into the log, in the middle of a worker's transaction, until the trigger is dropped.
 */
import pg from 'pg';

const breakSql = `
  CREATE OR REPLACE FUNCTION faults_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = 'disk_full';
  END $$;
  CREATE OR REPLACE TRIGGER faults_disk_full BEFORE INSERT ON field_updates
    FOR EACH STATEMENT EXECUTE FUNCTION faults_disk_full()`;
const mendSql = 'DROP TRIGGER faults_disk_full ON field_updates; DROP FUNCTION faults_disk_full()';

export const breakDisk = (url: string) => runSql(url, breakSql);
export const mendDisk = (url: string) => runSql(url, mendSql);

async function runSql(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

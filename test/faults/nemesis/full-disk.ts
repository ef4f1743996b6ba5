/**
 * Simulates a full disk in PostgreSQL. No disk is filled: a trigger raises the error of a full disk (SQLSTATE 53100,
 * disk_full) on every insert into the log, within a worker's transaction, until the trigger is dropped.
 */
import { queryPostgres } from '../../support/servers/query-postgres.ts';

const breakSql = `
  CREATE OR REPLACE FUNCTION faults_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = 'disk_full';
  END $$;
  CREATE OR REPLACE TRIGGER faults_disk_full BEFORE INSERT ON field_updates
    FOR EACH STATEMENT EXECUTE FUNCTION faults_disk_full()`;
const restoreSql = 'DROP TRIGGER faults_disk_full ON field_updates; DROP FUNCTION faults_disk_full()';

export const breakDisk = (url: string) => queryPostgres(url, breakSql);
export const restoreDisk = (url: string) => queryPostgres(url, restoreSql);

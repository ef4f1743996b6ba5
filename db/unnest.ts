/**
 * Passes rows to a statement as one array per column, so that the statement's text does not depend on how many there are.
 * A column is named once, with its SQL type; the values of each row are checked against it.
 */
import type { Knex } from 'knex';

interface SqlValues {
  readonly text: string | null;
  readonly bigint: number;
  readonly smallint: number;
  readonly float8: number;
  readonly bool: boolean;
  /** Written as JSON. */
  readonly jsonb: object;
}

/** Column names with their SQL types, in the order in which the statement uses them. */
export type Columns = Readonly<Record<string, keyof SqlValues>>;

export type ColumnValues<C extends Columns> = { readonly [Name in keyof C]: SqlValues[C[Name]] };

/** The names, for the column list of an INSERT or an alias. @param table qualifies them */
export function listColumns(columns: Columns, table?: string): string {
  return Object.keys(columns)
    .map((name) => (table ? `${table}.${name}` : name))
    .join(', ');
}

/** `unnest(…)` with its parameters, to be bound in a statement's FROM clause. */
export function unnest<C extends Columns>(db: Knex, columns: C, rows: readonly ColumnValues<C>[]): Knex.Raw {
  const entries = Object.entries(columns) as [keyof C, keyof SqlValues][];
  const placeholders = entries.map(([, type]) => `?::${type}[]`).join(', ');
  const bindings = entries.map(([name, type]) => rows.map((row) => toParameter(type, row[name])));
  return db.raw(`unnest(${placeholders})`, bindings as Knex.RawBinding[]);
}

function toParameter(type: keyof SqlValues, value: unknown): unknown {
  return type === 'jsonb' ? JSON.stringify(value) : value;
}

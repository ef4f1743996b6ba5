/** The ids of fields that start with a prefix, for shell completion. */
import type pg from 'pg';

const namesSql = `
  SELECT field_id AS field FROM consciousness_states
  WHERE version > 0 AND field_id LIKE $1
  ORDER BY field_id LIMIT $2`;

/** @param prefix of an id; no field matches anything else */
export async function readFieldNames(client: pg.ClientBase, prefix: string, limit: number): Promise<string[]> {
  if (!/^[a-z0-9_-]{0,64}$/.test(prefix)) return [];
  const pattern = `${prefix.replaceAll('_', '\\_')}%`;
  const { rows } = await client.query<{ field: string }>(namesSql, [pattern, limit]);
  return rows.map(({ field }) => field);
}

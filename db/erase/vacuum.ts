/** Frees what the erased rows occupied. Until then, dead copies of them are in the files of the tables. */
import type { Knex } from 'knex';

const tables = [
  'consciousness_states',
  'field_updates',
  'field_snapshots',
  'field_conflicts',
  'vector_clocks',
  'erased_counters',
  'bullmq.job',
] as const;

export async function vacuumErased(db: Knex): Promise<void> {
  for (const table of tables) await db.raw('VACUUM (ANALYZE) ??', [table]);
}

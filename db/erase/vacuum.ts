/** Frees the space of the erased rows. Until then, the files of the tables still contain dead copies of them. */
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

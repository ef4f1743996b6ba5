/** A database of the original system: its tables, with the types, defaults and indexes that its own schema and migration give them. */
import type { Test } from 'tap';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { withDatabase } from '../../support/servers/servers.ts';

const tables = `
  DROP SCHEMA IF EXISTS bullmq CASCADE;
  DROP SCHEMA public CASCADE;
  CREATE SCHEMA public;
  CREATE TABLE consciousness_states (
    id serial PRIMARY KEY,
    global_resonance real DEFAULT 0.5,
    active_nodes integer DEFAULT 0,
    memory_particles jsonb DEFAULT '[]',
    quantum_fields jsonb DEFAULT '[]',
    collective_intelligence real DEFAULT 0.3,
    room64_active boolean DEFAULT false,
    last_update timestamp DEFAULT now(),
    created_at timestamp DEFAULT now()
  );
  CREATE INDEX consciousness_states_last_update_idx ON consciousness_states (last_update);
  CREATE TABLE vector_clocks (
    id serial PRIMARY KEY,
    device_id text NOT NULL,
    version integer DEFAULT 0,
    last_update timestamp DEFAULT now()
  );
  CREATE TABLE field_conflicts (
    id serial PRIMARY KEY,
    cell text NOT NULL,
    local_version integer NOT NULL,
    remote_version integer NOT NULL,
    resolution text NOT NULL,
    created_at timestamp DEFAULT now()
  );
  CREATE INDEX field_conflicts_created_at_idx ON field_conflicts (created_at);`;

// The migration makes it, the schema in the code does not; the database may have been made by either.
const clockIndex = 'CREATE UNIQUE INDEX vector_clocks_device_id_idx ON vector_clocks (device_id);';

export interface OriginalDatabase {
  readonly url: string;
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
}

export async function withOriginalDatabase(t: Test, { hasClockIndex = true } = {}): Promise<OriginalDatabase> {
  const { directUrl: url } = await withDatabase(t);
  await withPgClient(url, (client) => client.query(tables + (hasClockIndex ? clockIndex : '')));
  return {
    url,
    query: (sql, values = []) =>
      withPgClient(url, async (client) => (await client.query(sql, [...values])).rows as Record<string, unknown>[]),
  };
}

/** A particle as the original stores it. */
export function originalParticle(id: string, changes: Record<string, unknown> = {}) {
  return {
    id,
    position: { x: 12.5, y: 80.25, z: 3 },
    velocity: { x: 0.01, y: -0.02, z: 0.03 },
    resonance: 0.6,
    crystallized: false,
    timestamp: 1_700_000_000_000,
    content: `content of ${id}`,
    connections: [],
    ...changes,
  };
}

export const originalField = {
  id: 'primary-field',
  strength: 0.8,
  coherence: 0.9,
  entanglement: 0,
  harmonics: [1, 1.618, 2.414],
  sacredGeometry: true,
  portalStability: 0.85,
  archaeologicalLayers: 7,
};

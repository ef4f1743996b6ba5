/**
 * Baseline for the whole service: a synchronous write-through service as commonly written. One transaction reads the
 * field's document, changes it and writes it back; then the cache is set. It has no concurrency control.
 */
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { ParticlePut } from '../../shared/field/update.ts';
import { serveRpc } from '../stack/rpc-process.ts';

interface Document {
  /** The number of updates in the document. */
  version: number;
  particles: Record<string, ParticlePut>;
}

interface WriteThroughOptions {
  readonly databaseUrl: string;
  readonly cacheUrl: string;
  readonly field: string;
  readonly particles: number;
}

async function applyUpdates(client: pg.PoolClient, field: string, updates: readonly ParticlePut[]): Promise<Document> {
  const { rows } = await client.query<{ state: Document }>('SELECT state FROM rival WHERE field = $1', [field]);
  const state = rows[0]?.state ?? { version: 0, particles: {} };
  for (const update of updates) {
    state.particles[update.id] = { ...state.particles[update.id], ...update };
    state.version += 1;
  }
  await client.query('UPDATE rival SET state = $2 WHERE field = $1', [field, JSON.stringify(state)]);
  return state;
}

function createDocument(particles: number): Document {
  const ids = Array.from({ length: particles }, (_, index) => `star-${index}`);
  const particle = (id: string): ParticlePut => ({
    counter: 1,
    timestamp: 1,
    seen: 0,
    kind: 'particle.put',
    id,
    position: { x: 1, y: 2, z: 0.5 },
    velocity: { x: 0.01, y: 0.02, z: 0.03 },
    resonance: 0.5,
    connections: [],
  });
  return { version: 0, particles: Object.fromEntries(ids.map((id) => [id, particle(id)])) };
}

let pool: pg.Pool | undefined;

const handlers = {
  /** @returns the server's address */
  async listen({ databaseUrl, cacheUrl, field, particles }: WriteThroughOptions): Promise<string> {
    const db = new pg.Pool({ connectionString: databaseUrl, max: 10 });
    pool = db;
    await db.query('CREATE TABLE IF NOT EXISTS rival (field text PRIMARY KEY, state jsonb NOT NULL)');
    await db.query('INSERT INTO rival VALUES ($1, $2)', [field, JSON.stringify(createDocument(particles))]);
    const cache = new Redis(cacheUrl);
    const app = Fastify({ bodyLimit: 1024 * 1024 });
    app.post('/api/fields/:field/updates', async (request, reply) => {
      const { field } = request.params as { field: string };
      const { updates } = request.body as { updates: ParticlePut[] };
      const client = await db.connect();
      try {
        await client.query('BEGIN');
        const state = await applyUpdates(client, field, updates);
        await client.query('COMMIT');
        await cache.set(`rival:${field}`, JSON.stringify(state));
        return reply.code(202).send({ accepted: updates.length, version: state.version });
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    });
    return app.listen({ host: '127.0.0.1', port: 0 });
  },
  /** The number of acknowledged updates that are in the document. */
  async countKept(_: null): Promise<number> {
    const result = await pool?.query<{ version: number }>("SELECT (state->>'version')::int AS version FROM rival");
    return result?.rows[0]?.version ?? 0;
  },
};

export type WriteThrough = typeof handlers;
serveRpc(handlers);

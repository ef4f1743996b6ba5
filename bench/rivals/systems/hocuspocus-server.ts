/** A process with a Hocuspocus server in its default settings, which keeps documents in memory or also stores them in PostgreSQL. */
import pg from 'pg';
import { serveRpc } from '../../stack/rpc-process.ts';
import { loadHocuspocusPackages } from './hocuspocus-packages.ts';

interface HocuspocusOptions {
  /** Where documents are stored; undefined to keep them in memory only. */
  readonly databaseUrl: string | undefined;
}

/** The benchmark's watchers send nothing, for which the server would disconnect them. */
const idleTimeoutMs = 3_600_000;

/** Stores documents as its documentation shows for a database: the whole state, each time that it is stored. */
async function createStore(databaseUrl: string): Promise<object> {
  const db = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  db.on('error', () => undefined); // The query in progress is rejected with the same error.
  await db.query('CREATE TABLE IF NOT EXISTS rival_documents (name text PRIMARY KEY, data bytea NOT NULL)');
  const { Database } = loadHocuspocusPackages().database;
  return new Database({
    async fetch({ documentName }) {
      const sql = 'SELECT data FROM rival_documents WHERE name = $1';
      const { rows } = await db.query<{ data: Buffer }>(sql, [documentName]);
      return rows[0]?.data ?? null;
    },
    async store({ documentName, state }) {
      const sql = 'INSERT INTO rival_documents VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET data = EXCLUDED.data';
      await db.query(sql, [documentName, state]);
    },
  });
}

const handlers = {
  /** @returns the server's address */
  async listen({ databaseUrl }: HocuspocusOptions): Promise<string> {
    const { Server } = loadHocuspocusPackages().server;
    const server = new Server({
      port: 0,
      address: '127.0.0.1',
      quiet: true,
      stopOnSignals: false,
      timeout: idleTimeoutMs,
      extensions: databaseUrl === undefined ? [] : [await createStore(databaseUrl)],
    });
    await server.listen();
    return `ws://127.0.0.1:${server.address.port}`;
  },
};

export type HocuspocusProcess = typeof handlers;
serveRpc(handlers);

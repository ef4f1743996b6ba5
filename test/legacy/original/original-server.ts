/** Runs the original's own server and database code, from the module that `bundleServer` makes, in its checkout and on an empty database. */
import type { ServerMessage } from './server-message.ts';

interface Conflict {
  readonly cell: string;
  readonly local: number;
  readonly remote: number;
  readonly resolution: string;
}

interface OriginalServer {
  readonly app: unknown;
  readonly runMigrations: () => Promise<void>;
  readonly fieldManager: { addConflict(conflict: Conflict): Promise<void> };
  readonly Hono: new () => { route(path: string, app: unknown): unknown; readonly fetch: unknown };
  readonly serve: (options: object, onListening: (address: { readonly port: number }) => void) => void;
}

const [, , bundle = ''] = process.argv;
// It logs every request.
console.log = console.warn = console.error = () => undefined;
// It does not await what its events write, and would end at the first one that PostgreSQL refuses.
process.on('unhandledRejection', () => undefined);
process.once('disconnect', () => process.exit());
const send = (message: ServerMessage) => process.send?.(message);

const { app, fieldManager, runMigrations, Hono, serve }: OriginalServer = await import(bundle);
const migration = await runMigrations().then(
  () => 'done',
  (error: Error) => error.message,
);
const root = new Hono();
// As the comment in its file says.
root.route('/api', app);
serve({ fetch: root.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  send({ kind: 'listening', port, migration }),
);

process.on('message', async (conflicts: readonly Conflict[]) => {
  for (const conflict of conflicts) await fieldManager.addConflict(conflict);
  send({ kind: 'stored' });
});

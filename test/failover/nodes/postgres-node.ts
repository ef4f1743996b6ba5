/** One PostgreSQL of two, which is a primary or a standby of the other. */
import { chown, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../../../dev/postgres/server.ts';
import type { StartProcess } from '../../../dev/processes/child-process.ts';
import { copyPostgres } from '../../faults/nemesis/server-copies.ts';
import { queryPostgres } from '../../support/servers/query-postgres.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { listChildren, signalIfAlive } from './process-tree.ts';

export const postgresPassword = 'failover';
const settings = ['wal_level=replica', 'hot_standby=on', 'wal_keep_size=256MB'];

interface PostgresNodeOptions {
  readonly name: string;
  /** Holds the data. */
  readonly folder: string;
  readonly port: number;
  readonly start: StartProcess;
}

export class PostgresNode {
  readonly name: string;
  readonly port: number;
  readonly #options: PostgresNodeOptions;
  #server: PostgresServer | undefined;

  constructor(options: PostgresNodeOptions) {
    this.name = options.name;
    this.port = options.port;
    this.#options = options;
  }

  get server(): PostgresServer {
    if (!this.#server) throw new Error(`${this.name} has never been started`);
    return this.#server;
  }

  get #dataFolder(): string {
    return join(this.#options.folder, 'postgres');
  }

  url(database: string): string {
    return `postgres://field:${postgresPassword}@127.0.0.1:${this.port}/${database}`;
  }

  async start(): Promise<void> {
    const { folder, port, start } = this.#options;
    this.#server = await startPostgres({ folder, port, password: postgresPassword, start, settings });
  }

  /**
   * Replaces its data by a copy of the primary's, and follows it.
   * @param port where it reaches the primary
   */
  async follow(primary: PostgresNode, port: number): Promise<void> {
    await copyPostgres(primary.copySource, primary.url('postgres'));
    await rm(this.#dataFolder, { recursive: true, force: true });
    await rename(`${primary.#dataFolder}.copy`, this.#dataFolder);
    const { uid, gid } = await stat(join(this.#dataFolder, 'PG_VERSION'));
    const connection = `host=127.0.0.1 port=${port} user=field password=${postgresPassword} application_name=${this.name}`;
    // Without a timeout of the receiver it would not notice that its link has gone silent.
    const lines = [
      `primary_conninfo = '${connection}'`,
      `wal_receiver_timeout = '5s'`,
      `wal_retrieve_retry_interval = '500ms'`,
    ];
    for (const [name, text] of [
      ['standby.signal', ''],
      ['postgresql.auto.conf', `${lines.join('\n')}\n`],
    ] as const) {
      await writeFile(join(this.#dataFolder, name), text);
      await chown(join(this.#dataFolder, name), uid, gid);
    }
    await this.start();
  }

  get copySource(): { readonly dataFolder: string } {
    return { dataFolder: this.#dataFolder };
  }

  /** Waits until a standby receives what this primary writes. */
  async waitUntilFollowed(): Promise<void> {
    const sql = `SELECT FROM pg_stat_replication WHERE state = 'streaming'`;
    await waitUntil(`${this.name} is followed`, async () => (await this.query(sql)).length > 0, { timeoutMs: 120_000 });
  }

  /** Whether commits wait for a standby. */
  async setSynchronous(isSynchronous: boolean): Promise<void> {
    await this.query(`ALTER SYSTEM SET synchronous_standby_names = '${isSynchronous ? '*' : ''}'`);
    await this.query('SELECT pg_reload_conf()');
    const wanted = isSynchronous ? 'sync' : 'async';
    const sql = 'SELECT sync_state FROM pg_stat_replication';
    const isSet = async () => (await this.query(sql)).every(({ sync_state: state }) => state === wanted);
    await waitUntil(`replication of ${this.name} is ${wanted}`, isSet);
  }

  async promote(): Promise<void> {
    await this.query('SELECT pg_promote(true, 30)');
  }

  /** The number of commits that it shows, in all fields. */
  async countVersions(): Promise<number> {
    const [row] = await queryPostgres(this.url('field'), 'SELECT sum(version)::int AS count FROM consciousness_states');
    return Number(row?.count ?? 0);
  }

  /** Kills the server and its sessions, as when its machine loses power. */
  async kill(): Promise<void> {
    const { process: running } = this.server;
    const sessions = listChildren(running.pid);
    running.sendSignal('SIGKILL');
    for (const pid of sessions) signalIfAlive(pid, 'SIGKILL');
    await running.exited;
  }

  /** Stops the server and its sessions from running, as when its machine hangs. `kill` ends that as well. */
  freeze(): void {
    const { process: running } = this.server;
    running.sendSignal('SIGSTOP'); // First, so that it starts no more sessions.
    for (const pid of listChildren(running.pid)) signalIfAlive(pid, 'SIGSTOP');
  }

  query(sql: string): Promise<Record<string, unknown>[]> {
    return queryPostgres(this.url('postgres'), sql);
  }
}

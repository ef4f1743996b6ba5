/** A PostgreSQL that Patroni runs, and Patroni's API, by which a load balancer finds the leader. */
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { choosePostgresUser } from '../../../dev/postgres/user.ts';
import type { RunningProcess } from '../../../dev/processes/child-process.ts';
import { queryPostgres } from '../../support/servers/query-postgres.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { NodeDeps } from './node-deps.ts';
import { postgresPassword } from './postgres-node.ts';
import { listChildren, signalIfAlive } from './process-tree.ts';

interface PatroniNodeOptions extends NodeDeps {
  readonly name: string;
  /** The folder of PostgreSQL's tools. */
  readonly bin: string;
  readonly port: number;
  readonly apiPort: number;
  readonly etcdPort: number;
}

/** How fast it fails over: the leader's key expires after `ttl`, and each member looks once in `loop_wait`. In seconds. */
const timing = { ttl: 10, loop_wait: 1, retry_timeout: 3 };

export class PatroniNode {
  readonly name: string;
  readonly port: number;
  readonly apiPort: number;
  readonly #options: PatroniNodeOptions;
  #process: RunningProcess | undefined;

  constructor(options: PatroniNodeOptions) {
    this.name = options.name;
    this.port = options.port;
    this.apiPort = options.apiPort;
    this.#options = options;
  }

  get #folder(): string {
    return join(this.#options.folder, this.name);
  }

  get #dataFolder(): string {
    return join(this.#folder, 'data');
  }

  async start(): Promise<void> {
    const { folder, bin, start } = this.#options;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const user = await choosePostgresUser({
      ...{ dataDir: this.#folder, folder, binary: join(bin, 'postgres'), start },
      printLine: () => undefined,
    });
    const config = join(this.#folder, 'patroni.json');
    // Every JSON document is a YAML document.
    await writeFile(config, JSON.stringify(this.#configuration(), undefined, 2));
    for (const path of [this.#folder, config]) if (user.owner) await chown(path, user.owner.uid, user.owner.gid);
    const log = join(this.#folder, 'patroni.log');
    this.#process = await start({
      ...user.asUser('/bin/sh', ['-c', `exec patroni "$0" >>"${log}" 2>&1`, config]),
      name: 'patroni',
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      cwd: '/',
      output: 'ignore',
      stopSignal: 'SIGTERM',
      graceMs: 20_000,
      recordIn: join(folder, 'run'),
    });
  }

  /** Whether Patroni's API says yes, for example to `primary`, `replica` or `sync`. */
  async is(role: string): Promise<boolean> {
    const url = `http://127.0.0.1:${this.apiPort}/${role}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    return response?.status === 200;
  }

  async acceptsWrites(): Promise<boolean> {
    const url = `postgres://field:${postgresPassword}@127.0.0.1:${this.port}/postgres`;
    const rows = await queryPostgres(url, 'SELECT pg_is_in_recovery() AS is_standby').catch(() => []);
    return rows.some((row) => (row as { is_standby: boolean }).is_standby === false);
  }

  async waitUntilIs(role: string): Promise<void> {
    await waitUntil(`${this.name} is ${role}`, () => this.is(role), { timeoutMs: 240_000, intervalMs: 100 });
  }

  async switchOver(to: PatroniNode): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.apiPort}/switchover`, {
      method: 'POST',
      body: JSON.stringify({ leader: this.name, candidate: to.name }),
    });
    if (!response.ok) throw new Error(`no switchover: ${response.status} ${await response.text()}`);
  }

  /** Kills Patroni, the server and its sessions, as when their machine loses power. */
  async kill(): Promise<void> {
    const all = this.#list();
    for (const pid of all) signalIfAlive(pid, 'SIGKILL');
    await this.#process?.exited;
  }

  freeze(): void {
    for (const pid of this.#list()) signalIfAlive(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#list().reverse()) signalIfAlive(pid, 'SIGCONT');
  }

  /** Patroni, the server, and then its sessions. */
  #list(): number[] {
    const file = join(this.#dataFolder, 'postmaster.pid');
    const postmaster = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 0;
    const own = this.#process?.pid ?? 0;
    return [own, postmaster, ...listChildren(postmaster)].filter((pid) => pid > 1);
  }

  #configuration(): object {
    const { bin, port, apiPort, etcdPort } = this.#options;
    const api = `127.0.0.1:${apiPort}`;
    const address = `127.0.0.1:${port}`;
    const account = { username: 'field', password: postgresPassword };
    return {
      scope: 'field',
      name: this.name,
      restapi: { listen: api, connect_address: api },
      // Not etcd3: with it, Patroni 3.0.2 takes the lock from the new leader when it goes on after a freeze.
      etcd: { host: `127.0.0.1:${etcdPort}` },
      bootstrap: {
        dcs: {
          ...timing,
          // Only a standby that has every commit takes over.
          synchronous_mode: true,
          postgresql: { use_pg_rewind: true, parameters: { max_connections: 200, wal_log_hints: 'on' } },
        },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }],
      },
      postgresql: {
        listen: address,
        connect_address: address,
        data_dir: this.#dataFolder,
        bin_dir: bin,
        pgpass: join(this.#folder, 'pgpass'),
        authentication: {
          superuser: account,
          rewind: account,
          replication: { username: 'replicator', password: postgresPassword },
        },
        parameters: { unix_socket_directories: this.#folder },
        pg_hba: [
          'local all all trust',
          'host all all 127.0.0.1/32 scram-sha-256',
          'host replication all 127.0.0.1/32 scram-sha-256',
        ],
      },
    };
  }
}

/** A throwaway cluster of the machine's own PostgreSQL, whose tools the one from npm lacks, with an archive of its write-ahead log. */
import { chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { choosePostgresUser } from '../../dev/postgres/user.ts';
import { type RunningProcess, startProcess } from '../../dev/processes/child-process.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

const installations = '/usr/lib/postgresql';
const tools = ['initdb', 'postgres', 'pg_basebackup'];

/** The folder of the newest installation that has all tools; undefined if there is none. */
export async function findTools(): Promise<string | undefined> {
  const versions = (await readdir(installations).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  for (const version of versions) {
    const folder = join(installations, version, 'bin');
    const names = await readdir(folder).catch((): string[] => []);
    if (tools.every((tool) => names.includes(tool))) return folder;
  }
  return undefined;
}

export interface Cluster {
  /** Where its server archives each full segment of the log. */
  readonly archive: string;
  url(server: RunningServer, database: string): string;
  /** Starts a server on a data folder of this cluster. @param settings such as `archive_mode=on` */
  start(name: string, settings: readonly string[]): Promise<RunningServer>;
  /** Copies the data folder of a running server into another, with its own tool, while it is written to. */
  takeBaseBackup(server: RunningServer, name: string): Promise<void>;
  /** Lets the next start of a copy replay the archive up to a time, and then accept writes. */
  recoverTo(name: string, time: string): Promise<void>;
  /** As after the loss of a disk. */
  destroy(name: string): Promise<void>;
}

interface RunningServer {
  readonly port: number;
  readonly process: RunningProcess;
}

/** @param bin the folder of the tools */
export async function withCluster(t: Test, bin: string): Promise<Cluster> {
  const folder = await withFolder(t);
  const [primary, archive, log] = [join(folder, 'primary'), join(folder, 'archive'), join(folder, 'log')];
  for (const path of [primary, archive]) await mkdir(path, { mode: 0o700 });
  const user = await choosePostgresUser({
    dataDir: primary,
    folder,
    binary: join(bin, 'postgres'),
    start: startProcess,
    printLine: (line) => t.comment(line),
  });
  const own = async (path: string) => user.owner && chown(path, user.owner.uid, user.owner.gid);
  for (const path of [folder, primary, archive]) await own(path);

  const launch = async (tool: string, args: string[]) =>
    startProcess({
      ...user.asUser('/bin/sh', ['-c', `exec "$0" "$@" >>"${log}" 2>&1`, join(bin, tool), ...args]),
      name: tool,
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      cwd: '/',
      output: 'ignore',
      stopSignal: 'SIGINT',
      forceSignal: 'SIGQUIT',
      graceMs: 20_000,
    });
  const run = async (tool: string, ...args: string[]) => {
    const ended = await (await launch(tool, args)).exited;
    if (ended !== 'code 0') throw new Error(`${tool} failed (${ended}):\n${await readFile(log, 'utf8')}`);
  };
  await run('initdb', '-D', primary, '--username=field', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8');

  const url = ({ port }: RunningServer, database: string) => `postgres://field@127.0.0.1:${port}/${database}`;
  return {
    archive,
    url,
    async start(name, settings) {
      const port = await findFreePort();
      const all = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', ...settings];
      const server = {
        port,
        process: await launch('postgres', ['-D', join(folder, name), ...all.flatMap((setting) => ['-c', setting])]),
      };
      t.teardown(() => server.process.forceStop());
      await waitUntil(
        `${name} accepts writes`,
        async () => {
          if (!server.process.isRunning) throw new Error(await readFile(log, 'utf8'));
          const rows = await queryPostgres(url(server, 'postgres'), 'select pg_is_in_recovery() as replaying').catch(
            () => [],
          );
          return rows[0]?.replaying === false;
        },
        { timeoutMs: 60_000 },
      );
      return server;
    },
    takeBaseBackup: ({ port }, name) =>
      run(
        'pg_basebackup',
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-U',
        'field',
        '-D',
        join(folder, name),
        '-X',
        'fetch',
        '-c',
        'fast',
      ),
    async recoverTo(name, time) {
      const settings = [
        `restore_command = 'cp "${archive}/%f" "%p"'`,
        `recovery_target_time = '${time}'`,
        `recovery_target_action = 'promote'`,
      ];
      const file = join(folder, name, 'postgresql.auto.conf');
      await writeFile(file, `${await readFile(file, 'utf8')}${settings.join('\n')}\n`);
      const signal = join(folder, name, 'recovery.signal');
      await writeFile(signal, '');
      await own(signal);
    },
    destroy: (name) => rm(join(folder, name), { recursive: true }),
  };
}

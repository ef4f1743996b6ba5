/** Two PostgreSQL that Patroni runs, with etcd and haproxy, all from Debian. Clients connect to haproxy. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { findTools } from '../../recovery/debian-cluster.ts';
import { queryPostgres } from '../../support/servers/query-postgres.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { NodeDeps } from '../nodes/node-deps.ts';
import { PatroniNode } from '../nodes/patroni-node.ts';
import { postgresPassword } from '../nodes/postgres-node.ts';
import type { FailoverFault, PostgresTopology } from './topology.ts';

export const patroniCommands = ['patroni', 'etcd', 'haproxy'];

export async function startPatroni(deps: NodeDeps): Promise<PostgresTopology> {
  const bin = await findTools();
  if (bin === undefined) throw new Error('patroni needs the packages postgresql and postgresql-client');
  const etcdPort = await startEtcd(deps);
  const nodes: PatroniNode[] = [];
  for (const name of ['a', 'b']) {
    const ports = { port: await findFreePort(), apiPort: await findFreePort() };
    nodes.push(new PatroniNode({ ...deps, ...ports, name, bin, etcdPort }));
  }
  const [a, b] = nodes;
  if (!a || !b) throw new Error('there are no nodes');
  await a.start();
  await a.waitUntilIs('primary');
  await b.start();
  await b.waitUntilIs('sync');
  const port = await startHaproxy(deps, nodes);
  const urlOf = (database: string) => `postgres://field:${postgresPassword}@127.0.0.1:${port}/${database}`;
  await waitUntil('haproxy leads to the leader only', () => leadsToPrimary(urlOf('postgres')), { timeoutMs: 30_000 });
  await queryPostgres(urlOf('postgres'), 'CREATE DATABASE field');
  return { url: urlOf('field'), faults: createFaults(nodes) };
}

/** haproxy takes servers in turn, and begins with both of them. */
async function leadsToPrimary(url: string): Promise<boolean> {
  for (let connection = 0; connection < 4; connection += 1) {
    const [row] = await queryPostgres(url, 'SELECT pg_is_in_recovery() AS is_standby');
    if (row?.is_standby !== false) return false;
  }
  return true;
}

async function startEtcd({ folder, start }: NodeDeps): Promise<number> {
  const [port, peerPort] = [await findFreePort(), await findFreePort()];
  const [clients, peers] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  await start({
    name: 'etcd',
    command: 'etcd',
    args: [
      '--enable-v2=true',
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=default=${peers}`,
    ],
    env: { PATH: process.env.PATH },
    output: 'ignore',
    stopSignal: 'SIGTERM',
    graceMs: 5000,
    recordIn: join(folder, 'run'),
  });
  const isHealthy = async () => (await fetch(`${clients}/health`)).ok;
  await waitUntil('etcd is healthy', isHealthy, { timeoutMs: 30_000, intervalMs: 100 });
  return port;
}

async function startHaproxy({ folder, start }: NodeDeps, nodes: readonly PatroniNode[]): Promise<number> {
  const port = await findFreePort();
  const own = join(folder, 'haproxy');
  await mkdir(own);
  const lines = [
    'global',
    '  maxconn 500',
    'defaults',
    '  mode tcp',
    '  timeout connect 2s',
    '  timeout client 30m',
    '  timeout server 30m',
    '  timeout check 1s',
    'listen primary',
    `  bind 127.0.0.1:${port}`,
    '  option httpchk GET /primary',
    '  http-check expect status 200',
    '  default-server inter 500ms fall 3 rise 1 on-marked-down shutdown-sessions',
    ...nodes.map((node) => `  server ${node.name} 127.0.0.1:${node.port} check port ${node.apiPort}`),
  ];
  const config = join(own, 'haproxy.cfg');
  await writeFile(config, `${lines.join('\n')}\n`);
  await start({
    name: 'haproxy',
    command: 'haproxy',
    args: ['-db', '-f', config],
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
    output: 'ignore',
    stopSignal: 'SIGUSR1',
    graceMs: 1000,
    recordIn: join(folder, 'run'),
  });
  return port;
}

function createFaults(nodes: readonly PatroniNode[]): Record<string, FailoverFault> {
  const findPair = async () => {
    const isLeader = await Promise.all(nodes.map((node) => node.is('primary')));
    const at = isLeader.indexOf(true);
    return { leader: nodes[at] as PatroniNode, other: nodes[1 - at] as PatroniNode };
  };
  const fault = (
    act: (leader: PatroniNode, other: PatroniNode) => Promise<void>,
    restore: (old: PatroniNode) => Promise<void>,
  ) => ({
    losesTail: false,
    async inject({ notes, onFault, onTakeover }: Parameters<FailoverFault['inject']>[0]) {
      const { leader, other } = await findPair();
      notes.push(`${leader.name}, replaced by ${other.name}`);
      onFault();
      await act(leader, other);
      await other.waitUntilIs('primary');
      onTakeover();
      // Patroni says so when it has the lock.
      await waitUntil('its server is promoted', () => other.acceptsWrites(), { timeoutMs: 60_000 });
      await restore(leader);
      await leader.waitUntilIs('sync');
    },
  });
  return {
    'kill the leader': fault(
      (leader) => leader.kill(),
      (old) => old.start(),
    ),
    'freeze the leader': fault(
      async (leader) => leader.freeze(),
      async (old) => old.thaw(),
    ),
    switchover: fault(
      (leader, other) => leader.switchOver(other),
      async () => undefined,
    ),
  };
}

/** A Redis with a replica, and three Sentinels that replace it; for the queue and the cache. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { NodeDeps } from '../nodes/node-deps.ts';
import { RedisNode, redisPassword } from '../nodes/redis-node.ts';
import { freezeMaster, killMaster } from './master-faults.ts';
import type { FailoverFault, RedisTopology } from './topology.ts';

const masterName = 'main';
const downAfterMs = 1500;

export async function startRedisSentinel(deps: NodeDeps): Promise<RedisTopology> {
  const [portA, portB] = [await findFreePort(), await findFreePort()];
  const nodes = [
    new RedisNode({ ...deps, name: 'node-a', port: portA, settings: {} }),
    new RedisNode({ ...deps, name: 'node-b', port: portB, settings: { replicaof: `127.0.0.1 ${portA}` } }),
  ];
  for (const node of nodes) await node.start();
  await nodes[1]?.waitForRole('slave');
  const ports: number[] = [];
  for (let number = 1; number <= 3; number += 1) {
    const port = await findFreePort();
    await startSentinel(deps, join(deps.folder, `sentinel-${number}`), port, portA);
    ports.push(port);
  }
  for (const port of ports) await waitUntilKnown(port);
  const [port, ...others] = ports;
  const more = others.map((other) => `&node=127.0.0.1:${other}`).join('');
  const url = (database: number) =>
    `redis://:${redisPassword}@127.0.0.1:${port}/${database}?sentinel=${masterName}${more}`;
  return { queueUrl: url(0), cacheUrl: url(1), faults: createFaults(nodes) };
}

async function startSentinel(
  { redisBinary, start, folder }: NodeDeps,
  own: string,
  port: number,
  masterPort: number,
): Promise<void> {
  await mkdir(own, { recursive: true });
  const config = join(own, 'sentinel.conf');
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${own}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 2`,
    `sentinel auth-pass ${masterName} ${redisPassword}`,
    `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
    `sentinel failover-timeout ${masterName} 5000`,
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  await start({
    ...{ name: 'sentinel', command: redisBinary, args: [config, '--sentinel'], env: { PATH: process.env.PATH } },
    ...{ output: 'ignore', stopSignal: 'SIGTERM', graceMs: 2000, recordIn: join(folder, 'run') },
  });
}

/** Only then it can replace the master: once it knows the replica and the other Sentinels. */
async function waitUntilKnown(port: number): Promise<void> {
  const sentinel = new Redis({ port, host: '127.0.0.1' });
  sentinel.on('error', () => undefined);
  const list = async (what: string) => (await sentinel.call('SENTINEL', what, masterName)) as unknown[];
  const knowsAll = async () => (await list('REPLICAS')).length === 1 && (await list('SENTINELS')).length === 2;
  await waitUntil(`the Sentinel at port ${port} knows the others`, knowsAll, { timeoutMs: 30_000 });
  sentinel.disconnect();
}

function createFaults(nodes: readonly RedisNode[]): Record<string, FailoverFault> {
  const findPair = async () => {
    const infos = await Promise.all(nodes.map((node) => node.query((redis) => redis.info('replication'))));
    const at = infos.findIndex((info) => info.includes('role:master'));
    return { master: nodes[at] as RedisNode, replica: nodes[1 - at] as RedisNode };
  };
  return { 'kill the master': killMaster(findPair), 'freeze the master': freezeMaster(findPair) };
}

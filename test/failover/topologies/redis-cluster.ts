/** A Redis Cluster of three masters with a replica each, for the queue and the cache. */

import type { Redis } from 'ioredis';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { NodeDeps } from '../nodes/node-deps.ts';
import { RedisNode, redisPassword } from '../nodes/redis-node.ts';
import { freezeMaster, killMaster, type Pair, type PickPair } from './master-faults.ts';
import type { FailoverFault, RedisTopology } from './topology.ts';

const nodeTimeoutMs = 2000;
/** The 16,384 hash slots, by the number of the master. */
const slots = [
  [0, 5461],
  [5462, 10_922],
  [10_923, 16_383],
] as const;
const settings = {
  'cluster-enabled': 'yes',
  'cluster-node-timeout': String(nodeTimeoutMs),
};

export async function startRedisCluster(deps: NodeDeps): Promise<RedisTopology> {
  const buses: number[] = [];
  const nodes: RedisNode[] = [];
  for (let number = 1; number <= 2 * slots.length; number += 1) {
    const bus = await findFreePort();
    buses.push(bus);
    const port = await findFreePort();
    nodes.push(
      new RedisNode({ ...deps, name: `node-${number}`, port, settings: { ...settings, 'cluster-port': String(bus) } }),
    );
  }
  await Promise.all(nodes.map((node) => node.start()));
  await form(nodes, buses);
  const [first] = nodes;
  const others = nodes.slice(1).map(({ port }) => `&node=127.0.0.1:${port}`);
  const url = `redis://:${redisPassword}@127.0.0.1:${first?.port}?cluster=true${others.join('')}`;
  return { queueUrl: url, cacheUrl: url, faults: createFaults(nodes) };
}

async function form(nodes: readonly RedisNode[], buses: readonly number[]): Promise<void> {
  const [first] = nodes;
  if (!first) return;
  const masters = nodes.slice(0, slots.length);
  await Promise.all(
    masters.map((node, index) =>
      node.query((redis) => redis.call('CLUSTER', 'ADDSLOTSRANGE', ...(slots[index] ?? []).map(String))),
    ),
  );
  for (const [index, { port }] of nodes.entries()) {
    if (index === 0) continue;
    await first.query((redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(buses[index])));
  }
  const info = (redis: Redis) => redis.call('CLUSTER', 'INFO');
  await waitUntil('all nodes know each other', async () => {
    const replies = await Promise.all(nodes.map((node) => node.query(info)));
    return replies.every((reply) => String(reply).includes(`cluster_known_nodes:${nodes.length}`));
  });
  for (const [index, master] of masters.entries()) {
    const id = String(await master.query((redis) => redis.call('CLUSTER', 'MYID')));
    const replica = nodes[index + slots.length];
    await waitUntil('the replica follows', () => replica?.query((redis) => redis.call('CLUSTER', 'REPLICATE', id)));
    await replica?.waitForRole('slave');
  }
  await waitUntil('the cluster is complete', async () => {
    const replies = await Promise.all(nodes.map((node) => node.query(info)));
    return replies.every((reply) => String(reply).includes('cluster_state:ok'));
  });
}

function createFaults(nodes: readonly RedisNode[]): Record<string, FailoverFault> {
  const pickPair: PickPair = async ({ random }) => random.pick(await findBusyPairs(nodes));
  return {
    'kill a master': killMaster(pickPair),
    'freeze a master': freezeMaster(pickPair),
    'manual failover': {
      losesTail: false,
      async inject(deps) {
        const { master, replica } = await pickPair(deps);
        deps.notes.push(`${master.name}, replaced by ${replica.name}`);
        deps.onFault();
        await replica.query((redis) => redis.call('CLUSTER', 'FAILOVER'));
        await replica.waitForRole('master');
        deps.onTakeover();
        await master.waitForRole('slave');
      },
    },
  };
}

/** The masters that hold queues, each with its replica. */
async function findBusyPairs(nodes: readonly RedisNode[]): Promise<Pair[]> {
  const replies = await Promise.all(
    nodes.map(async (node) => {
      const info = await node.query((redis) => redis.info('replication'));
      const isMaster = info.includes('role:master');
      const keys = isMaster ? await node.query((redis) => redis.keys('*updates*')) : [];
      return { node, isBusy: keys.length > 0, masterPort: Number(/master_port:(\d+)/.exec(info)?.[1] ?? 0) };
    }),
  );
  return replies
    .filter(({ isBusy }) => isBusy)
    .flatMap(({ node: master }) => {
      const replica = replies.find(({ masterPort }) => masterPort === master.port)?.node;
      return replica ? [{ master, replica }] : [];
    });
}

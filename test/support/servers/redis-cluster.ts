/** A Redis Cluster of three nodes in place of a test's single Redis. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { type RedisServer, startRedis } from '../../../dev/redis/server.ts';
import { waitUntil } from '../wait-until.ts';
import { launchOnFreePort } from './launch-on-free-port.ts';

interface ClusterOptions {
  readonly binary: string;
  readonly folder: string;
  readonly settings: Record<string, string>;
  readonly recordIn: string;
}

const password = 'test';
/** The 16,384 hash slots, by node. */
const slots = [
  [0, 5461],
  [5462, 10_922],
  [10_923, 16_383],
] as const;

export async function withRedisCluster(t: Test, { binary, folder, settings, recordIn }: ClusterOptions) {
  const ports: { port: number; bus: number }[] = [];
  const nodes: RedisServer[] = [];
  const launch = (index: number) => {
    const { port = 0, bus = 0 } = ports[index] ?? {};
    const clustered = { 'cluster-enabled': 'yes', 'cluster-port': String(bus), masterauth: password };
    const nodeFolder = join(folder, `node-${index}`);
    return startRedis({
      binary,
      folder: nodeFolder,
      port,
      password,
      settings: { ...clustered, ...settings },
      recordIn,
    });
  };
  const all = (work: (node: RedisServer, index: number) => Promise<unknown>) => Promise.all(nodes.map(work));
  t.teardown(() => all(({ process }) => process.forceStop()));
  await Promise.all(
    slots.map(async (_, index) => {
      nodes[index] = await launchOnFreePort(async (port) => {
        ports[index] = { port, bus: await findFreePort() };
        return launch(index);
      });
    }),
  );
  await assignSlots(nodes, ports);
  const [{ port } = { port: 0 }] = ports;
  const url = `redis://:${password}@127.0.0.1:${port}?cluster=true`;
  return {
    url,
    queueUrl: url,
    cacheUrl: url,
    port,
    get pid() {
      return nodes[0]?.process.pid ?? 0;
    },
    stop: async () => void (await all(({ process }) => process.stop())),
    async start() {
      await all(async (node, index) => {
        if (!node.process.isRunning) nodes[index] = await launch(index);
      });
      await waitUntilFormed(nodes);
    },
    kill9: async () => void (await all(({ process }) => process.forceStop())),
  };
}

async function assignSlots(
  nodes: readonly RedisServer[],
  ports: readonly { port: number; bus: number }[],
): Promise<void> {
  await queryNodes(nodes, (redis, index) =>
    redis.call('CLUSTER', 'ADDSLOTSRANGE', ...(slots[index] ?? []).map(String)),
  );
  const [first] = nodes;
  if (!first) return;
  for (const { port, bus } of ports.slice(1)) {
    await queryNodes([first], (redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(bus)));
  }
  await waitUntilFormed(nodes);
}

async function waitUntilFormed(nodes: readonly RedisServer[]): Promise<void> {
  await waitUntil('the cluster is complete', async () => {
    const responses = await queryNodes(nodes, (redis) => redis.call('CLUSTER', 'INFO'));
    return responses.every((response) => /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(String(response)));
  });
}

async function queryNodes<Result>(
  nodes: readonly RedisServer[],
  query: (redis: Redis, index: number) => Promise<Result>,
): Promise<Result[]> {
  return Promise.all(
    nodes.map(async (node, index) => {
      const redis = new Redis(node.url(0));
      redis.on('error', () => undefined); // The query in progress is rejected with the same error.
      try {
        return await query(redis, index);
      } finally {
        redis.disconnect();
      }
    }),
  );
}

/** A Redis with a replica, and three Sentinels that replace it when it is gone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { startProcess } from '../../../dev/processes/child-process.ts';
import { startRedis } from '../../../dev/redis/server.ts';
import { waitUntil } from '../wait-until.ts';
import { launchOnFreePort } from './launch-on-free-port.ts';

interface SentinelOptions {
  readonly binary: string;
  readonly folder: string;
  readonly recordIn: string;
}

const password = 'test';
const master = 'main';

export async function withRedisSentinel(t: Test, { binary, folder, recordIn }: SentinelOptions) {
  const launch = (name: string, settings: Record<string, string>) =>
    launchOnFreePort((port) =>
      startRedis({
        ...{ binary, folder: join(folder, name), port, password, recordIn },
        settings: { masterauth: password, ...settings },
      }),
    );
  const first = await launch('first', {});
  t.teardown(() => first.process.forceStop());
  const replica = await launch('replica', { replicaof: `127.0.0.1 ${first.port}` });
  t.teardown(() => replica.process.forceStop());
  const ports: number[] = [];
  for (let index = 0; index < 3; index += 1) {
    await launchOnFreePort(async (port) => {
      const own = join(folder, `sentinel-${index}`);
      await mkdir(own, { recursive: true });
      const config = join(own, 'sentinel.conf');
      await writeFile(config, renderConfig(own, port, first.port));
      const started = await startProcess({
        ...{ name: 'sentinel', command: binary, args: [config, '--sentinel'], env: { PATH: process.env.PATH } },
        ...{ output: 'ignore', stopSignal: 'SIGTERM', graceMs: 1000, recordIn },
      });
      t.teardown(() => started.forceStop());
      ports.push(port);
    });
  }
  for (const port of ports) await waitUntilKnown(port);
  const [port, ...others] = ports;
  const nodes = others.map((other) => `&node=127.0.0.1:${other}`).join('');
  const url = (database: number) => `redis://:${password}@127.0.0.1:${port}/${database}?sentinel=${master}${nodes}`;
  return { queueUrl: url(0), cacheUrl: url(1), first, replica };
}

/** Only then it can replace the master: once it knows the replica and the other Sentinels. */
async function waitUntilKnown(port: number): Promise<void> {
  const sentinel = new Redis({ port, host: '127.0.0.1' });
  sentinel.on('error', () => undefined);
  const list = async (what: string) => (await sentinel.call('SENTINEL', what, master)) as unknown[];
  const knowsAll = async () => (await list('REPLICAS')).length === 1 && (await list('SENTINELS')).length === 2;
  await waitUntil(`the Sentinel at port ${port} knows the others`, knowsAll, { timeoutMs: 30_000 });
  sentinel.disconnect();
}

function renderConfig(folder: string, port: number, masterPort: number): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${folder}`,
    'sentinel resolve-hostnames no',
    `sentinel monitor ${master} 127.0.0.1 ${masterPort} 2`,
    `sentinel auth-pass ${master} ${password}`,
    `sentinel down-after-milliseconds ${master} 1000`,
    `sentinel failover-timeout ${master} 5000`,
    '',
  ].join('\n');
}

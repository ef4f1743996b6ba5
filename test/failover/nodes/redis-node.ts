/** One Redis of several: can be killed, frozen and started again on its port with its data. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../../dev/redis/server.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { NodeDeps } from './node-deps.ts';

export const redisPassword = 'failover';

interface RedisNodeOptions extends NodeDeps {
  readonly name: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
}

export class RedisNode {
  readonly name: string;
  readonly port: number;
  readonly #options: RedisNodeOptions;
  #server: RedisServer | undefined;

  constructor(options: RedisNodeOptions) {
    this.name = options.name;
    this.port = options.port;
    this.#options = options;
  }

  url(database: number): string {
    return `redis://:${redisPassword}@127.0.0.1:${this.port}/${database}`;
  }

  async start(): Promise<void> {
    const { redisBinary, folder, name, port, settings, start } = this.#options;
    this.#server = await startRedis({
      ...{ binary: redisBinary, folder: join(folder, name), port, password: redisPassword, start },
      settings: { masterauth: redisPassword, ...settings },
      recordIn: join(folder, 'run'),
    });
  }

  async kill(): Promise<void> {
    this.#server?.process.sendSignal('SIGKILL');
    await this.#server?.process.exited;
  }

  freeze(): void {
    this.#server?.process.sendSignal('SIGSTOP');
  }

  thaw(): void {
    this.#server?.process.sendSignal('SIGCONT');
  }

  async query<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({
      ...{ host: '127.0.0.1', port: this.port, password: redisPassword },
      ...{ connectTimeout: 1000, commandTimeout: 2000, maxRetriesPerRequest: 0 },
    });
    redis.on('error', () => undefined); // The command in progress is rejected.
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  async waitForRole(role: 'master' | 'slave'): Promise<void> {
    const isReady = (info: string) =>
      info.includes(`role:${role}`) && (role === 'master' || info.includes('master_link_status:up'));
    const what = role === 'master' ? 'is a master' : 'follows its master';
    const check = () => this.query(async (redis) => isReady(await redis.info('replication')));
    await waitUntil(`${this.name} ${what}`, check, { timeoutMs: 120_000, intervalMs: 50 });
  }
}

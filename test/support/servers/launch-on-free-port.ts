/** Starts a Redis on a free port and retries with another port if a concurrent test has taken it in the meantime. */
import { findFreePort } from '../../../dev/processes/free-port.ts';
import type { RedisServer } from '../../../dev/redis/server.ts';

const attempts = 3;

export async function launchOnFreePort(launch: (port: number) => Promise<RedisServer>): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(await findFreePort());
    } catch (error) {
      if (attempt === attempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}

/** Builds the URLs of a stack's servers, for direct ports or for those of links. */
export const password = 'faults';
export const databaseName = 'field';

export interface ServerPorts {
  readonly postgres: number;
  readonly queue: number;
  readonly cache: number;
}

export interface Urls {
  readonly database: string;
  readonly queue: string;
  readonly cache: string;
}

export function urlsOf({ postgres, queue, cache }: ServerPorts): Urls {
  const redisUrl = (port: number) => `redis://:${password}@127.0.0.1:${port}/0`;
  return {
    database: `postgres://field:${password}@127.0.0.1:${postgres}/${databaseName}`,
    queue: redisUrl(queue),
    cache: redisUrl(cache),
  };
}

/** An identity provider for tests. It serves a JWKS that the test can replace, and can be made to fail. */
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export interface NamedKey {
  readonly kid: string;
  readonly key: KeyObject;
}

export interface IdentityProvider {
  readonly url: string;
  /** The number of requests for the keys so far. */
  readonly requestCount: number;
  publish(keys: readonly NamedKey[]): void;
  /** Responds with 503 until keys are published again. */
  fail(): void;
}

export async function withIdentityProvider(t: Test, first: readonly NamedKey[]): Promise<IdentityProvider> {
  let keys: readonly NamedKey[] | undefined = first;
  let requestCount = 0;
  const server = createServer((_, response) => {
    requestCount += 1;
    if (!keys) return response.writeHead(503).end();
    const jwks = keys.map(({ kid, key }) => ({ ...key.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }));
    return response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: jwks }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    get requestCount() {
      return requestCount;
    },
    publish(next) {
      keys = next;
    },
    fail() {
      keys = undefined;
    },
  };
}

/**
 * One running client for each storage and field, however many components use it: two clients would use the same counters for
 * different updates. Without a storage, each component has its own client.
 */
import { createFieldClient } from '../field-client.ts';
import type { FieldClientOptions } from '../options.ts';
import type { Storage } from '../storage/storage.ts';
import type { FieldClient } from '../types.ts';

/** A client that is started while at least one component uses it. */
export interface SharedClient {
  readonly client: FieldClient;
  /** The options of the newest render. */
  latest: FieldClientOptions;
  users: number;
  /** Starts the client for its first user. @returns a function that ends the use; the client is closed with the last one */
  use(): () => void;
}

/** Weak, so that a server that renders for many users does not retain their clients. */
const clientsByStorage = new WeakMap<Storage, Map<string, SharedClient>>();

/** How long until a failed start is retried. */
const restartMs = 5000;

export function getSharedClient(options: FieldClientOptions): SharedClient {
  const { storage, url, field } = options;
  if (!storage) return createSharedClient(options);
  const clients = clientsByStorage.get(storage) ?? new Map<string, SharedClient>();
  clientsByStorage.set(storage, clients);
  const key = `${url} ${field}`;
  // A closed client cannot be restarted after a client with another URL has used the same entries of the storage.
  const forgetOthers = () => {
    for (const other of clients.keys()) if (other !== key && other.endsWith(` ${field}`)) clients.delete(other);
  };
  const known = clients.get(key) ?? createSharedClient(options, forgetOthers);
  clients.set(key, known);
  return known;
}

/** @param onUse called when it is started */
function createSharedClient(options: FieldClientOptions, onUse = () => {}): SharedClient {
  // The token is read when it is needed, because components pass another one after a sign-in or a renewal.
  const getToken = () => shared.latest.token ?? shared.latest.getToken?.() ?? '';
  const { token, ...rest } = options;
  const hasToken = token !== undefined || options.getToken !== undefined;
  const client = createFieldClient(hasToken ? { ...rest, getToken } : rest);
  const shared: SharedClient = {
    client,
    latest: options,
    users: 0,
    use() {
      shared.users += 1;
      if (shared.users === 1) {
        onUse();
        start();
      }
      return () => {
        shared.users -= 1;
        if (shared.users === 0) void client.close();
      };
    },
  };
  // The client reports the error as a problem. A failed start leaves it closed, so that it can be started again.
  const start = () => {
    client.start().catch(() => {
      setTimeout(() => {
        if (shared.users > 0 && client.status === 'closed') start();
      }, restartMs);
    });
  };
  return shared;
}

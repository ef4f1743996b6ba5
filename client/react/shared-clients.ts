/**
 * One running client for each storage and field, whichever components ask for it: two clients would use the same counters for
 * different updates. Without a storage there is nothing to share, and each component has a client of its own.
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

/** The storage holds the clients, so that a server, which renders for many users, keeps none of them. */
const clientsByStorage = new WeakMap<Storage, Map<string, SharedClient>>();

/** How long until a start that has failed is tried again. */
const restartMs = 5000;

export function getSharedClient(options: FieldClientOptions): SharedClient {
  const { storage, url, field } = options;
  if (!storage) return createSharedClient(options);
  const clients = clientsByStorage.get(storage) ?? new Map<string, SharedClient>();
  clientsByStorage.set(storage, clients);
  const key = `${url} ${field}`;
  // A client that was closed cannot be started again after one of another address has used the same entries of the storage.
  const forgetOthers = () => {
    for (const other of clients.keys()) if (other !== key && other.endsWith(` ${field}`)) clients.delete(other);
  };
  const known = clients.get(key) ?? createSharedClient(options, forgetOthers);
  clients.set(key, known);
  return known;
}

/** @param onUse called when it is started */
function createSharedClient(options: FieldClientOptions, onUse = () => {}): SharedClient {
  // A token is read when it is needed, because components pass another one after somebody signed in, or when it was renewed.
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
  // The client reports what is wrong as a problem. It is closed after a start that failed, and may be started again.
  const start = () => {
    client.start().catch(() => {
      setTimeout(() => {
        if (shared.users > 0 && client.status === 'closed') start();
      }, restartMs);
    });
  };
  return shared;
}

/** Clients for tests on a real API. They are closed when the test ends, and use `ws`, since Node 20 has no WebSocket. */
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import { createFieldClient } from '../../client/field-client.ts';
import type { FieldClientOptions } from '../../client/options.ts';
import type { FieldClient } from '../../client/types.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';

export async function withField(t: Test) {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  return withApi(t, backing);
}

/** A client that is not started. */
export function makeClient(t: Test, options: FieldClientOptions): FieldClient {
  const client = createFieldClient({ WebSocket, ...options });
  t.teardown(() => client.close());
  return client;
}

export async function withClient(t: Test, options: FieldClientOptions): Promise<FieldClient> {
  const client = makeClient(t, options);
  await client.start();
  return client;
}

export async function waitForStatus(client: FieldClient, status: FieldClient['status']): Promise<void> {
  await waitUntil(`the client is ${status}`, () => client.status === status);
}

/** Waits until the server's state contains every own update that was not refused. */
export async function waitUntilSynced(client: FieldClient, { timeoutMs = 30_000 } = {}): Promise<void> {
  const isSettled = () => {
    const waiting = client.outbox.filter(({ status }) => status !== 'refused');
    if (waiting.length === 0 && client.pending === 0) return true;
    // Becomes the cause of a timeout: what is left, and why.
    throw new Error(JSON.stringify({ status: client.status, problem: client.problem, waiting: waiting.slice(0, 3) }));
  };
  await waitUntil('the outbox is empty', isSettled, { timeoutMs });
}

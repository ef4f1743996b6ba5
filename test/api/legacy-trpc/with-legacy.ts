/** Starts an API that serves apps of the original system, with a worker. */
import { TRPCClientError } from '@trpc/client';
import type { Test } from 'tap';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { asField } from '../../support/updates.ts';
import { withApi } from '../support/with-app.ts';
import { OriginalApp } from './original-client.ts';

export async function withLegacy(t: Test, settings: Record<string, string> = {}) {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  return { backing, ...(await withLegacyApi(t, backing, settings)) };
}

export async function withLegacyApi(t: Test, backing: Backing, settings: Record<string, string> = {}) {
  const api = await withApi(t, backing, { LEGACY_TRPC_FIELD: 'global', ...settings });
  // The first read starts a thread, which may take longer than the client waits when it is compiled on the way.
  await api.request('/api/trpc/consciousness.field.getState');
  return { api, app: (index = 0, headers = {}) => new OriginalApp(api.address, index, headers) };
}

export async function readParticles({ reader }: Backing) {
  const state = await reader.loadState(asField('global'));
  return [...(state?.particles.values() ?? [])];
}

export const statusOf = (request: Promise<unknown>) =>
  request.then(
    () => 200,
    (error) => (error instanceof TRPCClientError ? error.data?.httpStatus : error),
  );

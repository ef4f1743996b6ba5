/** All of a field in one hook, for components that show everything. */
import type { FieldClient, FieldConflict, FieldView, OutboxEntry, Status } from '../types.ts';
import { type FieldActions, useBoundActions, useClientValue } from './hooks.ts';
import { type ClientSource, useClient } from './provider.ts';

/** The result of `useConsciousnessBridge`: the client, its current values and its actions. */
export interface ConsciousnessBridge extends FieldActions {
  readonly client: FieldClient;
  /** The server's state with all pending own updates applied. */
  readonly state: FieldView;
  /** The status of the connection. */
  readonly status: Status;
  /** Whether the storage has been read. */
  readonly isLoaded: boolean;
  /** The latest conflicts, the newest first. */
  readonly conflicts: readonly FieldConflict[];
  /** The own updates in sending order. */
  readonly outbox: readonly OutboxEntry[];
  /** The number of own updates that the server has not applied yet. */
  readonly pending: number;
}

/**
 * Connects a component to a field.
 *
 * ```tsx
 * const { state, setCells, pending } = useConsciousnessBridge({ url, field, storage });
 * ```
 * @param source options for a client that all components with the same `storage`, `url` and `field` share; or a client that the
 * app creates, starts and closes itself
 */
export function useConsciousnessBridge(source: ClientSource): ConsciousnessBridge {
  const client = useClient(source);
  const state = useClientValue(client, ['state'], (from) => from.state);
  const status = useClientValue(client, ['status'], (from) => from.status);
  const isLoaded = useClientValue(client, ['state', 'status'], (from) => from.isLoaded);
  const conflicts = useClientValue(client, ['conflict'], (from) => from.conflicts);
  const outbox = useClientValue(client, ['update', 'state'], (from) => from.outbox);
  const pending = useClientValue(client, ['update', 'state'], (from) => from.pending);
  return { client, state, status, isLoaded, conflicts, outbox, pending, ...useBoundActions(client) };
}

/** The client as a hook for React and React Native. A component renders again only when something it receives has changed. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { createFieldClient } from './field-client.ts';
import type { FieldClient, FieldClientOptions, FieldConflict, FieldView, OutboxEntry, Status } from './types.ts';

/** What the hook returns: the client, its current values and its actions. */
export interface ConsciousnessBridge
  extends Pick<FieldClient, 'putParticle' | 'removeParticle' | 'setCells' | 'emit' | 'discard'> {
  readonly client: FieldClient;
  /** The server's state with all pending own updates applied. */
  readonly state: FieldView;
  /** The status of the connection. */
  readonly status: Status;
  /** The latest conflicts, the newest first. */
  readonly conflicts: readonly FieldConflict[];
  /** The own updates in sending order. */
  readonly outbox: readonly OutboxEntry[];
  /** The number of own updates that the server has not applied yet. */
  readonly pending: number;
}

interface Snapshot extends Pick<ConsciousnessBridge, 'state' | 'status' | 'conflicts' | 'outbox' | 'pending'> {}

/**
 * Connects a component to a field.
 *
 * ```tsx
 * const { state, setCells, pending } = useConsciousnessBridge({ url, field, storage });
 * ```
 * @param source options for a client that is started and closed with the component, and replaced when `url` or `field`
 * changes; or a client that the app creates, starts and closes itself
 */
export function useConsciousnessBridge(source: FieldClient | FieldClientOptions): ConsciousnessBridge {
  const externalClient = isClient(source) ? source : undefined;
  const { url, field } = isClient(source) ? { url: undefined, field: undefined } : source;
  // Creating a client has no effect before it is started, so one that strict mode discards needs no clean-up.
  // biome-ignore lint/correctness/useExhaustiveDependencies: options are usually a new object for every render
  const client = useMemo(() => (isClient(source) ? source : createFieldClient(source)), [externalClient, url, field]);
  const store = useMemo(() => createStore(client), [client]);
  const snapshot = useSyncExternalStore(store.subscribe, store.read, store.read);
  useEffect(() => {
    if (client === externalClient) return undefined;
    void client.start();
    return () => void client.close();
  }, [client, externalClient]);
  const actions = useMemo(() => bindActions(client), [client]);
  return { client, ...snapshot, ...actions };
}

function isClient(source: FieldClient | FieldClientOptions): source is FieldClient {
  return 'putParticle' in source;
}

function bindActions(client: FieldClient) {
  return {
    putParticle: client.putParticle.bind(client),
    removeParticle: client.removeParticle.bind(client),
    setCells: client.setCells.bind(client),
    emit: client.emit.bind(client),
    discard: client.discard.bind(client),
  };
}

const storeEvents = ['state', 'status', 'conflict', 'update'] as const;

/** The client as a store for `useSyncExternalStore`: its snapshot is the same object until a value in it changes. */
function createStore(client: FieldClient) {
  let snapshot: Snapshot | undefined;
  const read = (): Snapshot => {
    const { state, status, conflicts, outbox, pending } = client;
    const isSame =
      snapshot?.state === state &&
      snapshot.status === status &&
      snapshot.conflicts === conflicts &&
      snapshot.outbox === outbox;
    if (!snapshot || !isSame) snapshot = { state, status, conflicts, outbox, pending };
    return snapshot;
  };
  const subscribe = (onChange: () => void) => {
    const unsubscribers = storeEvents.map((name) => client.on(name, onChange));
    return () => {
      for (const unsubscribe of unsubscribers) unsubscribe();
    };
  };
  return { read, subscribe };
}

/** The field in React and React Native: the same state for every component, and a new render only when something changed. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { createFieldClient } from './field-client.ts';
import type { FieldClient, FieldClientOptions, FieldConflict, FieldView, OutboxEntry, Status } from './types.ts';

export interface ConsciousnessBridge
  extends Pick<FieldClient, 'putParticle' | 'removeParticle' | 'setCells' | 'emit' | 'discard'> {
  readonly client: FieldClient;
  readonly state: FieldView;
  readonly status: Status;
  /** The newest first. */
  readonly conflicts: readonly FieldConflict[];
  readonly outbox: readonly OutboxEntry[];
  /** How many own updates the server has not applied yet. */
  readonly pending: number;
}

interface Snapshot extends Pick<ConsciousnessBridge, 'state' | 'status' | 'conflicts' | 'outbox' | 'pending'> {}

/**
 * @param source options, for a client that lives as long as the component and is made anew when `url` or `field` change;
 * or a client that the app has made, and itself starts and closes
 */
export function useConsciousnessBridge(source: FieldClient | FieldClientOptions): ConsciousnessBridge {
  const externalClient = isClient(source) ? source : undefined;
  const { url, field } = isClient(source) ? { url: undefined, field: undefined } : source;
  // Making a client does nothing yet, so that one which is thrown away (strict mode) leaves nothing behind.
  // biome-ignore lint/correctness/useExhaustiveDependencies: options are objects made anew by every render
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

/** All of the client that is shown, as one object that stays the same until something changes. */
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

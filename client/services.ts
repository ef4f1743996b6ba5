/** The composition root of the client: creates its parts and connects them. Nothing runs before they are started. */
import type { AppliedResponse, ServerMessage, State, UpdateResult } from '../shared/contract/messages.ts';
import type { Cursor } from '../shared/field/cursor.ts';
import { Backoff } from './backoff.ts';
import { Connection } from './connection/connection.ts';
import { type SendFieldRequest, sendRequest as send } from './connection/http.ts';
import { TokenProvider } from './connection/token-provider.ts';
import { TransportSelector } from './connection/transport-selector.ts';
import { HybridClock } from './hybrid-clock.ts';
import { Outbox } from './outbox/outbox.ts';
import { OutboxStore } from './outbox/outbox-store.ts';
import { CounterSync } from './sending/counter-sync.ts';
import { DeviceChange } from './sending/device-change.ts';
import { HistoryCheck } from './sending/history-check.ts';
import { Sender } from './sending/sender.ts';
import { Presence } from './state/presence.ts';
import { Replica } from './state/replica.ts';
import { createServerState } from './state/server-state.ts';
import { StatePersister } from './state/state-persister.ts';
import { type GuardedStorage, guardStorage, prioritize } from './storage/guarded-storage.ts';
import { memoryStorage } from './storage/memory-storage.ts';
import { withPrefix } from './storage/prefixed-storage.ts';
import type { FieldClientOptions, OutboxEntry, SocketConstructor, Status } from './types.ts';

/** Keys begin with it, since an app may keep other values in the same storage. */
const namespace = 'consciousness-field';

/** What the parts report. No handler is called before the client is started, except `onChange`. */
export interface ServiceHandlers {
  readonly onChange: (entry: OutboxEntry) => void;
  readonly onStatus: (status: Status) => void;
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
  /** The response to a request with updates brought their results. */
  readonly onAccepted: (counters: readonly number[]) => void;
  readonly onSettled: (response: AppliedResponse) => void;
  /** The results of updates that were sent as the device that this one was before. */
  readonly onFormerResults: (results: readonly UpdateResult[]) => void;
  /** The tokens are those of another account than before. */
  readonly onAccount: () => void;
  /** This many updates belong to another account, and wait in the storage for it. */
  readonly onSetAside: (count: number) => void;
  /** The server knows the device up to this counter, which is above all that was sent from here. */
  readonly onSkipped: (counter: number) => void;
  /** The log has all of these cursors. */
  readonly onConfirmed: (cursors: ReadonlySet<Cursor>) => void;
  /** The log does not have this cursor. */
  readonly onLost: (cursor: Cursor) => void;
  readonly onTick: () => void;
  /** Whether the app wants to know who is present. */
  readonly wantsPresence: () => boolean;
  /** @param code overrides the code that is derived from the error */
  readonly onProblem: (error: unknown, code?: string) => void;
}

export interface ClientServices {
  readonly guardedStorage: GuardedStorage;
  readonly reportProblem: ServiceHandlers['onProblem'];
  readonly sendRequest: SendFieldRequest;
  readonly clock: HybridClock;
  readonly tokenProvider: TokenProvider;
  readonly store: OutboxStore;
  readonly outbox: Outbox;
  readonly replica: Replica;
  readonly statePersister: StatePersister;
  readonly counterSync: CounterSync;
  readonly historyCheck: HistoryCheck;
  readonly sender: Sender;
  readonly connection: Connection;
  readonly presence: Presence;
}

export function createServices(options: FieldClientOptions, handlers: ServiceHandlers): ClientServices {
  const { field, storage = memoryStorage(), random = Math.random } = options;
  const url = trimUrl(options.url);
  const fieldUrl = `${url}/api/fields/${field}`;
  // Looked up for every request, because apps and tests may replace the global after the client was created.
  const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
  const sendRequest: SendFieldRequest = (path, request) => send(fetch, { ...request, url: fieldUrl + path });

  const guarded = guardStorage(storage);
  const reportStorage = (error: unknown) => handlers.onProblem(error, 'storage');
  const onDamage = (key: string) => handlers.onProblem(describeDamage(key), 'storage_damaged');
  const important = prioritize(guarded, () => statePersister.makeRoom(), reportStorage);
  const deviceStorage = withPrefix(important, namespace);
  const fieldStorage = withPrefix(deviceStorage, field);
  const addresses = [url, ...(options.formerUrls ?? []).map(trimUrl)];
  const formerStorages = addresses.map((address) => withPrefix(important, address));

  const clock = new HybridClock(options.clock ?? Date.now);
  const now = () => clock.now();
  const tokenProvider = new TokenProvider({
    ...options,
    ...handlers,
    url,
    fetch,
    now,
    storage: deviceStorage,
    formerStorages,
    sharedStorage: storage,
  });

  const store = new OutboxStore({
    storage: fieldStorage,
    formerStorages: formerStorages.map((former) => withPrefix(former, field)),
    onDamage,
  });
  const outbox = new Outbox({ ...handlers, store, clock, identity: () => tokenProvider, random });
  const replica = new Replica(field, outbox, clock, options.prediction);
  const shared = { sendRequest, clock, tokenProvider, outbox };
  const counterSync = new CounterSync({ ...shared, ...handlers });
  const deviceChange = new DeviceChange({
    ...shared,
    cursor: () => replica.cursor,
    onResults: handlers.onFormerResults,
  });
  const historyCheck = new HistoryCheck({ ...shared, ...handlers });
  const sender = new Sender({
    ...shared,
    ...handlers,
    store,
    historyCheck,
    backoff: new Backoff(random),
    syncCounter: async (token, signal) => {
      await deviceChange.ensure(token, signal);
      await counterSync.ensure(token, signal);
    },
    isStreaming: () => connection.transport === 'websocket',
  });
  const connection: Connection = new Connection({
    ...shared,
    ...handlers,
    transportSelector: new TransportSelector({
      sendRequest,
      transports: options.transports,
      WebSocket: options.WebSocket ?? findWebSocket(),
    }),
    backoff: new Backoff(random),
    stream: {
      url: fieldUrl,
      cursor: () => replica.cursor,
      claimedCursors: () => (outbox.applied.hasKept ? [replica.cursor, ...outbox.applied.findUnproven()] : []),
      emptyState: () => createServerState(field).view as State,
      wantsPresence: handlers.wantsPresence,
    },
  });
  const presence = new Presence((message) => connection.send(message));
  const statePersister: StatePersister = new StatePersister({
    storage: withPrefix(guarded, `${namespace}/${field}`),
    account: () => tokenProvider.account,
    onDamage,
    onProblem: (error) => handlers.onProblem(error, 'state_not_stored'),
  });
  return {
    guardedStorage: guarded,
    reportProblem: handlers.onProblem,
    sendRequest,
    clock,
    tokenProvider,
    store,
    outbox,
    replica,
    statePersister,
    counterSync,
    historyCheck,
    sender,
    connection,
    presence,
  };
}

function trimUrl(url: string): string {
  return url.replace(/\/+$/, '');
}

function describeDamage(key: string): Error {
  return new Error(`The stored value ${key} is damaged and was dropped.`);
}

function findWebSocket(): SocketConstructor | undefined {
  return (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
}

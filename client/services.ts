/** The composition root of the client: creates its parts and connects them. Nothing runs before they are started. */
import type { AppliedResponse, ServerMessage, State, UpdateResult } from '../shared/contract/messages.ts';
import { regionKey } from '../shared/field/math/region.ts';
import { Backoff } from './backoff.ts';
import { Connection } from './connection/connection.ts';
import { type SendFieldRequest, sendRequest as send, trimUrl } from './connection/http.ts';
import { TokenProvider } from './connection/token-provider.ts';
import { TransportSelector } from './connection/transport-selector.ts';
import { HybridClock } from './hybrid-clock.ts';
import type { FieldClientOptions, SocketConstructor } from './options.ts';
import type { ItemStore } from './outbox/item-store.ts';
import { Outbox } from './outbox/outbox.ts';
import { CounterSync } from './sending/counter-sync.ts';
import { Sender } from './sending/sender.ts';
import { toRegion } from './state/region.ts';
import { Replica } from './state/replica.ts';
import { createServerState } from './state/server-state.ts';
import { memoryStorage } from './storage/memory-storage.ts';
import type { HistoryCheck } from './storage/persistence/history-check.ts';
import type { Persistence } from './storage/persistence/persistence.ts';
import type { OutboxEntry, Status } from './types.ts';

/** The events that the parts report. No handler is called before the client is started, except `onChange`. */
export interface ServiceHandlers {
  readonly onChange: (entry: OutboxEntry) => void;
  readonly onStatus: (status: Status) => void;
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onAccepted: (counters: readonly number[]) => void;
  /** The response to a request contained the results of its updates. */
  readonly onSettled: (response: AppliedResponse) => void;
  /** The results of updates that were sent under a former id of this device. */
  readonly onFormerResults: (results: readonly UpdateResult[]) => void;
  /** The account of the tokens has changed. */
  readonly onAccount: () => void;
  /** This many updates belong to another account, and wait in the storage for it. */
  readonly onSetAside: (count: number) => void;
  /** The server has seen this counter of the device, which is above all that were sent from here. */
  readonly onSkipped: (counter: number) => void;
  /** The server's log contains updates that its state was not known to contain. */
  readonly onConfirmed: () => void;
  /** The server's log has lost updates. */
  readonly onLost: () => void;
  readonly onTick: () => void;
  /** @param code overrides the code that is derived from the error */
  readonly onProblem: (error: unknown, code?: string) => void;
}

export interface ClientServices {
  readonly persistence: Persistence;
  readonly sendRequest: SendFieldRequest;
  readonly clock: HybridClock;
  readonly tokenProvider: TokenProvider;
  readonly store: ItemStore;
  readonly outbox: Outbox;
  readonly replica: Replica;
  readonly counterSync: CounterSync;
  readonly historyCheck: HistoryCheck;
  readonly sender: Sender;
  readonly connection: Connection;
}

export function createServices(options: FieldClientOptions, handlers: ServiceHandlers): ClientServices {
  const { field, storage = memoryStorage(), random = Math.random } = options;
  const url = trimUrl(options.url);
  const fieldUrl = `${url}/api/fields/${field}`;
  // Looked up for every request, because apps and tests may replace the global after the client was created.
  const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
  const sendRequest: SendFieldRequest = (path, request) => send(fetch, { ...request, url: fieldUrl + path });

  const persistence = storage.openPersistence({
    field,
    addresses: [url, ...(options.formerUrls ?? []).map(trimUrl)],
    account: () => tokenProvider.account,
    onProblem: handlers.onProblem,
  });
  const clock = new HybridClock(options.clock ?? Date.now);
  const now = () => clock.now();
  const tokenProvider: TokenProvider = new TokenProvider({
    ...options,
    ...handlers,
    url,
    fetch,
    now,
    identity: persistence.identity,
  });

  const store = persistence.items;
  const outbox = new Outbox({ ...handlers, store, clock, identity: () => tokenProvider, random });
  const replica = new Replica(field, outbox, clock, options.prediction);
  replica.region = toRegion(options.region);
  const shared = { sendRequest, clock, tokenProvider, outbox };
  const counterSync = new CounterSync({ ...shared, ...handlers });
  const deviceChange = persistence.createDeviceChange({
    ...shared,
    cursor: () => replica.cursor,
    onResults: handlers.onFormerResults,
  });
  const historyCheck = persistence.createHistoryCheck({ ...shared, ...handlers, replica, store });
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
    onCounterTooFar: () => counterSync.invalidate(),
    isStreaming: () => connection.transport === 'websocket',
    findSocket: (token) => connection.findSocket(token),
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
      isHistoryBroken: (next, access) => historyCheck.isBroken(next, access),
      region: () => {
        replica.requestedRegion = replica.region;
        return replica.region ? `region=${regionKey(replica.region)}` : '';
      },
      emptyState: () => createServerState(field).view as State,
    },
  });
  return {
    persistence,
    sendRequest,
    clock,
    tokenProvider,
    store,
    outbox,
    replica,
    counterSync,
    historyCheck,
    sender,
    connection,
  };
}

function findWebSocket(): SocketConstructor | undefined {
  return (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
}

/**
 * `createFieldClient`: puts outbox, sender, connection and replica together, and says what changes.
 * Nothing happens before `start()`, and nothing is left running after `close()`.
 */
import type { UpdateResult } from '../shared/contract/receipt.ts';
import type { ServerMessage } from '../shared/contract/stream.ts';
import type { CellValue, EventType } from '../shared/field/update.ts';
import { Backoff } from './backoff.ts';
import { Connection } from './connection/connection.ts';
import { RequestError, type SendFieldRequest, sendRequest } from './connection/http.ts';
import { onPageResume } from './connection/page-lifecycle.ts';
import { TokenProvider } from './connection/token-provider.ts';
import { TransportSelector } from './connection/transport-selector.ts';
import { Emitter } from './emitter.ts';
import { HybridClock } from './hybrid-clock.ts';
import { CounterSync } from './outbox/counter-sync.ts';
import { Outbox } from './outbox/outbox.ts';
import type { UpdateContent } from './outbox/outbox-item.ts';
import { OutboxStore } from './outbox/outbox-store.ts';
import { Sender } from './outbox/sender.ts';
import { SettlementTracker } from './outbox/settlement-tracker.ts';
import { ConflictHistory } from './state/conflict-history.ts';
import { Replica } from './state/replica.ts';
import { StatePersister } from './state/state-persister.ts';
import { bestEffort, withPrefix } from './storage/prefixed-storage.ts';
import { memoryStorage } from './storage/storage.ts';
import type {
  ClientEvents,
  FieldClient,
  FieldClientOptions,
  OutboxEntry,
  ParticleInput,
  SocketConstructor,
  Status,
} from './types.ts';
import { buildCellsSet, buildEvent, buildParticlePut } from './update-builders.ts';

/** After so long, an update of which nothing was heard is sent again. */
const resendAfterMs = 10_000;

export function createFieldClient(options: FieldClientOptions): FieldClient {
  return new Client(options);
}

class Client implements FieldClient {
  readonly #options: FieldClientOptions;
  readonly #events = new Emitter<ClientEvents>();
  readonly #settlementTracker = new SettlementTracker();
  readonly #conflictHistory = new ConflictHistory();
  readonly #sendRequest: SendFieldRequest;
  readonly #clock: HybridClock;
  readonly #tokenProvider: TokenProvider;
  readonly #store: OutboxStore;
  readonly #outbox: Outbox;
  readonly #replica: Replica;
  readonly #statePersister: StatePersister;
  readonly #counterSync: CounterSync;
  readonly #sender: Sender;
  readonly #connection: Connection;
  #status: Status = 'closed';
  #transition: Promise<void> = Promise.resolve();
  #isLoaded = false;
  #lastResultAt = 0;
  #stopResumeListener: () => void = () => undefined;

  constructor(options: FieldClientOptions) {
    this.#options = options;
    const { field, storage = memoryStorage(), clock = Date.now, random = Math.random } = options;
    const url = options.url.replace(/\/+$/, '');
    const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
    const fieldUrl = `${url}/api/fields/${field}`;
    this.#sendRequest = (path, request) => sendRequest(fetch, { ...request, url: fieldUrl + path });
    const onProblem = (error: unknown) => this.#reportProblem(error);
    const serverStorage = withPrefix(
      bestEffort(storage, (error) => this.#reportProblem(error, 'storage')),
      url,
    );
    const fieldStorage = withPrefix(serverStorage, field);
    this.#clock = new HybridClock(clock);
    this.#tokenProvider = new TokenProvider({
      ...options,
      url,
      fetch,
      storage: serverStorage,
      now: () => this.#clock.now(),
    });
    this.#store = new OutboxStore(fieldStorage);
    this.#outbox = new Outbox({
      store: this.#store,
      clock: this.#clock,
      onChange: (entry) => this.#handleEntryChange(entry),
    });
    this.#replica = new Replica(field, this.#outbox, this.#clock);
    this.#statePersister = new StatePersister(fieldStorage);
    const sharedDeps = {
      sendRequest: this.#sendRequest,
      clock: this.#clock,
      tokenProvider: this.#tokenProvider,
      outbox: this.#outbox,
    };
    this.#counterSync = new CounterSync({
      ...sharedDeps,
      onSkipped: (counter) => this.#reportSkippedCounters(counter),
    });
    this.#sender = new Sender({
      ...sharedDeps,
      store: this.#store,
      backoff: new Backoff(random),
      syncCounter: (token, signal) => this.#counterSync.ensure(token, signal),
      isStreaming: () => this.#status === 'live',
      onSettled: ({ results }) => {
        this.#settle(results, true);
        this.#emitState();
        // Nothing else tells a client that polls that there is news.
        if (this.#connection.transport === 'polling') this.#connection.checkNow();
      },
      onProblem,
    });
    this.#connection = new Connection({
      transportSelector: new TransportSelector({
        sendRequest: this.#sendRequest,
        transports: options.transports,
        WebSocket: options.WebSocket ?? findWebSocket(),
      }),
      tokenProvider: this.#tokenProvider,
      clock: this.#clock,
      backoff: new Backoff(random),
      stream: { url: fieldUrl, version: () => this.#replica.version },
      onStatus: (status) => this.#setStatus(status),
      onOpen: () => this.#resendAccepted(),
      onMessage: (message) => this.#handleMessage(message),
      onTick: () => this.#tick(),
      onProblem,
    });
  }

  get state() {
    return this.#replica.getView(this.deviceId);
  }

  get status() {
    return this.#status;
  }

  get transport() {
    return this.#connection.transport;
  }

  get deviceId() {
    return this.#tokenProvider.device;
  }

  get outbox() {
    return this.#outbox.entries;
  }

  get pending() {
    return this.#outbox.pending;
  }

  get conflicts() {
    return this.#conflictHistory.all;
  }

  start(): Promise<void> {
    return this.#runExclusive(async () => {
      if (this.#status !== 'closed') return;
      await this.#load();
      this.#tokenProvider.forgetAppToken();
      this.#connection.start();
      this.#sender.start();
      this.#stopResumeListener = (this.#options.wakeOn ?? onPageResume)(() => this.wake());
    });
  }

  close(): Promise<void> {
    return this.#runExclusive(async () => {
      if (this.#status === 'closed') return;
      this.#stopResumeListener();
      await Promise.all([this.#connection.stop(), this.#sender.stop()]);
      await this.#statePersister.save(this.#replica.server, this.#clock.wallTime());
      await this.#store.flush();
      this.#setStatus('closed');
    });
  }

  wake(): void {
    if (this.#status === 'closed') return;
    this.#connection.checkNow();
    this.#sender.retryNow();
  }

  putParticle(id: string, attributes: ParticleInput) {
    return this.#add(buildParticlePut(id, attributes));
  }

  removeParticle(id: string) {
    return this.#add({ kind: 'particle.remove', id });
  }

  setCells(cells: readonly CellValue[]) {
    return this.#add(buildCellsSet(cells));
  }

  emit(type: EventType, intensity?: number) {
    return this.#add(buildEvent(type, intensity));
  }

  settled(entry: OutboxEntry) {
    return this.#settlementTracker.waitFor(entry);
  }

  discard(entry: OutboxEntry) {
    this.#outbox.discard(entry.key);
  }

  async read<Answer>(path: string): Promise<Answer> {
    return (await this.#sendRequest(path, { token: await this.#tokenProvider.getToken() })).body as Answer;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void) {
    return this.#events.on(name, listener);
  }

  /** Starts and ends come one after the other, however they are called. */
  #runExclusive(step: () => Promise<void>): Promise<void> {
    this.#transition = this.#transition.catch(() => undefined).then(step);
    return this.#transition;
  }

  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    await Promise.all([this.#tokenProvider.load(), this.#outbox.load()]);
    const known = await this.#statePersister.load(this.#options.field);
    if (known && this.#replica.version === 0) this.#replica.restore(known);
    this.#isLoaded = true;
    this.#emitState();
  }

  #add(change: UpdateContent): OutboxEntry {
    const entry = this.#outbox.add(change, this.#replica.version);
    this.#emitState();
    this.#sender.notify();
    return entry;
  }

  #handleMessage(message: ServerMessage): void {
    if (!this.#replica.apply(message)) {
      this.#connection.reopen();
      return;
    }
    if (message.type === 'delta') {
      const ownUpdates = message.updates.filter(({ device }) => device === this.deviceId);
      if (ownUpdates.length > 0) this.#settle(ownUpdates, false);
      for (const conflict of message.conflicts ?? []) {
        this.#events.emit('conflict', this.#conflictHistory.add(conflict, this.deviceId));
      }
    }
    if (message.type === 'error') this.#reportProblem(new RequestError(message.problem.code, message.problem.title));
    this.#outbox.dropSettled(this.#replica.version);
    // A snapshot tells no outcomes.
    if (message.type === 'snapshot') this.#resendAccepted();
    if (message.type === 'snapshot' || message.type === 'delta' || message.type === 'presence') this.#emitState();
    this.#events.emit('message', message);
  }

  #settle(results: readonly UpdateResult[], isResponse: boolean): void {
    this.#lastResultAt = Date.now();
    if (this.#outbox.settle(results, isResponse ? 'response' : 'delta')) {
      this.#counterSync.invalidate();
      this.#sender.notify();
    }
    this.#outbox.dropSettled(this.#replica.version);
  }

  /** What is accepted may have been settled while nobody listened: sent again, the server tells. */
  #resendAccepted(): void {
    this.#lastResultAt = Date.now();
    this.#outbox.resendAccepted();
    this.#sender.retryNow();
    this.#sender.notify();
  }

  #tick(): void {
    const now = Date.now();
    this.#statePersister.saveThrottled(this.#replica.server, now);
    if (now - this.#lastResultAt < resendAfterMs) return;
    this.#lastResultAt = now;
    this.#outbox.resendAccepted();
    this.#sender.notify();
  }

  #handleEntryChange(entry: OutboxEntry): void {
    this.#replica.invalidate();
    this.#settlementTracker.record(entry);
    this.#events.emit('update', entry);
  }

  #reportSkippedCounters(counter: number): void {
    this.#reportProblem(new RequestError('counters_skipped', `the server knew this device up to ${counter} already`));
  }

  #emitState(): void {
    this.#replica.invalidate();
    if (this.#events.hasListeners('state')) this.#events.emit('state', this.state);
  }

  #setStatus(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#events.emit('status', status);
  }

  #reportProblem(error: unknown, code?: string): void {
    const message = error instanceof Error ? error.message : String(error);
    const known = error instanceof RequestError ? error.code : 'unknown';
    this.#events.emit('problem', { code: code ?? known, message });
  }
}

function findWebSocket(): SocketConstructor | undefined {
  return (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
}

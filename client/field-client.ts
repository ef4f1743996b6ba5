/**
 * `createFieldClient`: puts outbox, sender, connection and replica together, and says what changes.
 * Nothing happens before `start()`, and nothing is left running after `close()`.
 */
import type { UpdateResult } from '../shared/contract/receipt.ts';
import type { ServerMessage } from '../shared/contract/stream.ts';
import type { CellValue, EventType } from '../shared/field/update.ts';
import { Backoff } from './backoff.ts';
import { Connection } from './connection/connection.ts';
import { type AskField, ask, RequestError } from './connection/http.ts';
import { onBrowserWake } from './connection/page-lifecycle.ts';
import { Credentials } from './connection/token-provider.ts';
import { Ways } from './connection/transport-selector.ts';
import { Emitter } from './emitter.ts';
import { HybridClock } from './hybrid-clock.ts';
import { Session } from './outbox/counter-sync.ts';
import { type Change, Outbox } from './outbox/outbox.ts';
import { OutboxStore } from './outbox/outbox-store.ts';
import { Sender } from './outbox/sender.ts';
import { Settlements } from './outbox/settlement-tracker.ts';
import { ConflictList } from './state/conflict-history.ts';
import { Replica } from './state/replica.ts';
import { StateKeeper } from './state/state-persister.ts';
import { forgiving, within } from './storage/prefixed-storage.ts';
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
import { cellsChange, eventChange, putChange } from './update-builders.ts';

/** After so long, an update of which nothing was heard is sent again. */
const unheardMs = 10_000;

export function createFieldClient(options: FieldClientOptions): FieldClient {
  return new Client(options);
}

class Client implements FieldClient {
  readonly #options: FieldClientOptions;
  readonly #events = new Emitter<ClientEvents>();
  readonly #settlements = new Settlements();
  readonly #conflicts = new ConflictList();
  readonly #ask: AskField;
  readonly #clock: HybridClock;
  readonly #credentials: Credentials;
  readonly #store: OutboxStore;
  readonly #outbox: Outbox;
  readonly #replica: Replica;
  readonly #keeper: StateKeeper;
  readonly #session: Session;
  readonly #sender: Sender;
  readonly #connection: Connection;
  #status: Status = 'closed';
  #life: Promise<void> = Promise.resolve();
  #isLoaded = false;
  #heardAt = 0;
  #stopWaking: () => void = () => undefined;

  constructor(options: FieldClientOptions) {
    this.#options = options;
    const { field, storage = memoryStorage(), clock = Date.now, random = Math.random } = options;
    const url = options.url.replace(/\/+$/, '');
    const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
    const fieldUrl = `${url}/api/fields/${field}`;
    this.#ask = (path, request) => ask(fetch, { ...request, url: fieldUrl + path });
    const onProblem = (error: unknown) => this.#warn(error);
    const ofServer = within(
      forgiving(storage, (error) => this.#warn(error, 'storage')),
      url,
    );
    const ofField = within(ofServer, field);
    this.#clock = new HybridClock(clock);
    this.#credentials = new Credentials({ ...options, url, fetch, storage: ofServer, now: () => this.#clock.now() });
    this.#store = new OutboxStore(ofField);
    this.#outbox = new Outbox({ store: this.#store, clock: this.#clock, onChange: (entry) => this.#noteEntry(entry) });
    this.#replica = new Replica(field, this.#outbox, this.#clock);
    this.#keeper = new StateKeeper(ofField);
    const parts = { ask: this.#ask, clock: this.#clock, credentials: this.#credentials, outbox: this.#outbox };
    this.#session = new Session({ ...parts, onSkipped: (counter) => this.#noteSkipped(counter) });
    this.#sender = new Sender({
      ...parts,
      store: this.#store,
      backoff: new Backoff(random),
      prepare: (token, signal) => this.#session.prepare(token, signal),
      isFollowing: () => this.#status === 'live',
      onSettled: ({ results }) => {
        this.#settle(results, true);
        this.#showState();
        // Nothing else tells a client that polls that there is news.
        if (this.#connection.transport === 'polling') this.#connection.wake();
      },
      onProblem,
    });
    this.#connection = new Connection({
      ways: new Ways({
        ask: this.#ask,
        transports: options.transports,
        WebSocket: options.WebSocket ?? globalSocket(),
      }),
      credentials: this.#credentials,
      clock: this.#clock,
      backoff: new Backoff(random),
      stream: { url: fieldUrl, version: () => this.#replica.version },
      onStatus: (status) => this.#setStatus(status),
      onOpen: () => this.#askAgain(),
      onMessage: (message) => this.#take(message),
      onTick: () => this.#tick(),
      onProblem,
    });
  }

  get state() {
    return this.#replica.show(this.deviceId);
  }

  get status() {
    return this.#status;
  }

  get transport() {
    return this.#connection.transport;
  }

  get deviceId() {
    return this.#credentials.device;
  }

  get outbox() {
    return this.#outbox.entries;
  }

  get pending() {
    return this.#outbox.pending;
  }

  get conflicts() {
    return this.#conflicts.all;
  }

  start(): Promise<void> {
    return this.#next(async () => {
      if (this.#status !== 'closed') return;
      await this.#load();
      this.#credentials.forgetAppToken();
      this.#connection.start();
      this.#sender.start();
      this.#stopWaking = (this.#options.wakeOn ?? onBrowserWake)(() => this.wake());
    });
  }

  close(): Promise<void> {
    return this.#next(async () => {
      if (this.#status === 'closed') return;
      this.#stopWaking();
      await Promise.all([this.#connection.stop(), this.#sender.stop()]);
      await this.#keeper.save(this.#replica.server, this.#clock.wall());
      await this.#store.saved();
      this.#setStatus('closed');
    });
  }

  wake(): void {
    if (this.#status === 'closed') return;
    this.#connection.wake();
    this.#sender.hurry();
  }

  putParticle(id: string, attributes: ParticleInput) {
    return this.#add(putChange(id, attributes));
  }

  removeParticle(id: string) {
    return this.#add({ kind: 'particle.remove', id });
  }

  setCells(cells: readonly CellValue[]) {
    return this.#add(cellsChange(cells));
  }

  emit(type: EventType, intensity?: number) {
    return this.#add(eventChange(type, intensity));
  }

  settled(entry: OutboxEntry) {
    return this.#settlements.of(entry);
  }

  discard(entry: OutboxEntry) {
    this.#outbox.discard(entry.key);
  }

  async read<Answer>(path: string): Promise<Answer> {
    return (await this.#ask(path, { token: await this.#credentials.token() })).body as Answer;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void) {
    return this.#events.on(name, listener);
  }

  /** Starts and ends come one after the other, however they are called. */
  #next(step: () => Promise<void>): Promise<void> {
    this.#life = this.#life.catch(() => undefined).then(step);
    return this.#life;
  }

  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    await Promise.all([this.#credentials.load(), this.#outbox.load()]);
    const known = await this.#keeper.load(this.#options.field);
    if (known && this.#replica.version === 0) this.#replica.restore(known);
    this.#isLoaded = true;
    this.#showState();
  }

  #add(change: Change): OutboxEntry {
    const entry = this.#outbox.add(change, this.#replica.version);
    this.#showState();
    this.#sender.wake();
    return entry;
  }

  #take(message: ServerMessage): void {
    if (!this.#replica.take(message)) {
      this.#connection.reopen();
      return;
    }
    if (message.type === 'delta') {
      const own = message.updates.filter(({ device }) => device === this.deviceId);
      if (own.length > 0) this.#settle(own, false);
      for (const conflict of message.conflicts ?? []) {
        this.#events.emit('conflict', this.#conflicts.add(conflict, this.deviceId));
      }
    }
    if (message.type === 'error') this.#warn(new RequestError(message.problem.code, message.problem.title));
    this.#outbox.drop(this.#replica.version);
    // A snapshot tells no outcomes.
    if (message.type === 'snapshot') this.#askAgain();
    if (message.type === 'snapshot' || message.type === 'delta' || message.type === 'presence') this.#showState();
    this.#events.emit('message', message);
  }

  #settle(results: readonly UpdateResult[], isAnswer: boolean): void {
    this.#heardAt = Date.now();
    if (this.#outbox.settle(results, isAnswer)) {
      this.#session.doubt();
      this.#sender.wake();
    }
    this.#outbox.drop(this.#replica.version);
  }

  /** What is accepted may have been settled while nobody listened: sent again, the server tells. */
  #askAgain(): void {
    this.#heardAt = Date.now();
    this.#outbox.sendAgain();
    this.#sender.hurry();
    this.#sender.wake();
  }

  #tick(): void {
    const now = Date.now();
    this.#keeper.offer(this.#replica.server, now);
    if (now - this.#heardAt < unheardMs) return;
    this.#heardAt = now;
    this.#outbox.sendAgain();
    this.#sender.wake();
  }

  #noteEntry(entry: OutboxEntry): void {
    this.#replica.refresh();
    this.#settlements.note(entry);
    this.#events.emit('update', entry);
  }

  #noteSkipped(counter: number): void {
    this.#warn(new RequestError('counters_skipped', `the server knew this device up to ${counter} already`));
  }

  #showState(): void {
    this.#replica.refresh();
    if (this.#events.isHeard('state')) this.#events.emit('state', this.state);
  }

  #setStatus(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#events.emit('status', status);
  }

  #warn(error: unknown, code?: string): void {
    const message = error instanceof Error ? error.message : String(error);
    const known = error instanceof RequestError ? error.code : 'unknown';
    this.#events.emit('problem', { code: code ?? known, message });
  }
}

function globalSocket(): SocketConstructor | undefined {
  return (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
}

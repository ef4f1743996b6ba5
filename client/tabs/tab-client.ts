/**
 * One client for all tabs of a browser: one of them leads and runs it, the others show what it publishes and pass their edits to it.
 * Loaded only by apps that import it.
 */
import type { ClientMessage } from '../../shared/contract/messages.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { CellValue, EventType } from '../../shared/field/update.ts';
import { trimUrl } from '../connection/http.ts';
import { onPageResume } from '../connection/page-lifecycle.ts';
import { Emitter } from '../emitter.ts';
import { createFieldClient } from '../field-client.ts';
import { HybridClock } from '../hybrid-clock.ts';
import type { FieldClientOptions } from '../options.ts';
import { toRegion } from '../state/region.ts';
import { guardStorage } from '../storage/persistence/guarded-storage.ts';
import type { Storage } from '../storage/storage.ts';
import type { TabStorage } from '../storage/tab-slots.ts';
import type { ClientEvents, FieldClient, OutboxEntry, ParticleInput } from '../types.ts';
import { buildCellsSet, buildEvent, buildParticlePut, buildParticleRemove } from '../updates/build-update.ts';
import type { UpdateContent } from '../updates/update-content.ts';
import { Inboxes } from './inboxes.ts';
import type { LockManagerLike } from './locks.ts';
import { tokenPath } from './messages.ts';
import { Mirror } from './mirror.ts';
import { OwnEdits } from './own-edits.ts';
import { type ChannelLike, Session } from './session.ts';
import { Slots } from './slots.ts';

/** The prefix of the names of locks and the channel. `version` is that of the messages between tabs. */
const namePrefix = 'consciousness-field/tabs';
const version = 1;

export interface TabClientOptions extends FieldClientOptions {
  /** `indexedDbStorage()` or `localStorage()`; other storages cannot be shared between tabs. */
  readonly storage: TabStorage;
}

/** The parts of the global object that are used. */
export interface TabGlobals {
  readonly navigator?: { readonly locks?: LockManagerLike };
  readonly BroadcastChannel?: new (name: string) => ChannelLike;
  readonly document?: { readonly visibilityState: string };
}

/**
 * Creates a client that this tab shares with other tabs of the same field and storage: they are one device with one connection and
 * one outbox. In browsers without Web Locks or `BroadcastChannel` each tab gets its own client, as by `createFieldClient`.
 * @throws TypeError for a `url` or `field` that can never work
 */
export function createTabClient(options: TabClientOptions, globals = globalThis as unknown as TabGlobals): FieldClient {
  // It also checks the options, and does nothing before it is started.
  const single = createFieldClient(options);
  const { BroadcastChannel, navigator, document } = globals;
  const { storage } = options as { storage?: Partial<TabStorage> };
  if (!navigator?.locks || !BroadcastChannel || !storage?.whole || storage.name === undefined) return single;
  return new TabClient(options, {
    locks: navigator.locks,
    whole: guardStorage(storage.whole),
    name: `${namePrefix}/${storage.name}/${options.field}`,
    openChannel: (name) => new BroadcastChannel(name),
    isVisible: () => document?.visibilityState !== 'hidden',
  });
}

interface Surroundings {
  readonly locks: LockManagerLike;
  readonly whole: Storage;
  readonly name: string;
  readonly openChannel: (name: string) => ChannelLike;
  readonly isVisible: () => boolean;
}

class TabClient implements FieldClient {
  readonly #options: FieldClientOptions;
  readonly #surroundings: Surroundings;
  readonly #tab = Math.random().toString(36).slice(2, 12);
  readonly #events = new Emitter<ClientEvents>();
  readonly #ownEdits: OwnEdits;
  readonly #mirror: Mirror;
  #session: Session | undefined;
  /** The region requested before there was a session. */
  #initialRegion: { readonly region: Region | undefined } | undefined;
  #lastTransition: Promise<void> = Promise.resolve();
  #isLoaded = false;
  /** The presence data that this tab sent last. */
  #shown = '';
  /** The term of the leader at that time. */
  #shownTerm = 0;
  /** Whether another tab has sent presence data since. */
  #isShownOver = false;
  #removeResumeListener: () => void = () => undefined;

  constructor(options: FieldClientOptions, surroundings: Surroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    const { field, prediction } = options;
    const clock = new HybridClock(options.clock ?? Date.now);
    this.#ownEdits = new OwnEdits(this.#tab, clock);
    this.#mirror = new Mirror({ field, prediction, clock, events: this.#events, ownEdits: this.#ownEdits });
  }

  get state() {
    return this.#mirror.view;
  }

  get status() {
    return this.#mirror.facts.status;
  }

  get transport() {
    return this.#mirror.facts.transport;
  }

  get deviceId() {
    return this.#mirror.facts.deviceId;
  }

  get outbox() {
    return this.#mirror.outbox;
  }

  get problem() {
    return this.#mirror.facts.problem;
  }

  get isLoaded() {
    return this.#isLoaded;
  }

  get pending() {
    return this.outbox.filter(({ status }) => status === 'queued' || status === 'accepted').length;
  }

  get conflicts() {
    return this.#mirror.conflicts;
  }

  start(): Promise<void> {
    return this.#runExclusive(async () => {
      if (this.#session) return;
      const session = this.#openSession();
      this.#session = session;
      if (this.#initialRegion) session.setRegion(this.#initialRegion.region);
      this.#initialRegion = undefined;
      await session.start();
      if (this.#session !== session) return;
      this.#isLoaded = true;
      this.#removeResumeListener = (this.#options.wakeOn ?? onPageResume)(() => this.wake());
    });
  }

  close(): Promise<void> {
    // A start that waits for a leader ends with its session.
    const closing = this.#session?.close();
    return this.#runExclusive(async () => {
      await (closing ?? this.#session?.close());
      this.#session = undefined;
      this.#removeResumeListener();
      this.#mirror.setStatus('closed');
    });
  }

  wake(): void {
    this.#session?.post({ type: 'wake' });
  }

  renewToken(): void {
    this.#session?.post({ type: 'renew-token' });
  }

  putParticle(id: string, attributes: ParticleInput) {
    const shown = this.state.memoryParticles.find((particle) => particle.id === id);
    return this.#addUpdate(buildParticlePut(id, attributes, shown));
  }

  removeParticle(id: string) {
    return this.#addUpdate(buildParticleRemove(id));
  }

  setCells(cells: readonly CellValue[]) {
    return this.#addUpdate(buildCellsSet(cells));
  }

  emit(type: EventType, intensity?: number) {
    return this.#addUpdate(buildEvent(type, intensity));
  }

  settled(entry: OutboxEntry) {
    return this.#mirror.settlements.waitFor(entry);
  }

  discard({ key }: OutboxEntry) {
    this.#session?.post({ type: 'discard', key });
  }

  /** Applies to all tabs. */
  setRegion(region: Region | null) {
    const requested = toRegion(region);
    if (this.#session) this.#session.setRegion(requested);
    else this.#initialRegion = { region: requested };
  }

  async read<Answer>(path: string): Promise<Answer> {
    if (!this.#session) throw new Error('Start the client before reading.');
    return (await this.#session.read(path)) as Answer;
  }

  /** Only the leader's client renews tokens, so that no two tabs do so at once. */
  getToken() {
    return this.read<string>(tokenPath);
  }

  /** The last presence data of any tab wins: a tab whose data was replaced does not send it again on the next stream. */
  sendMessage(message: ClientMessage) {
    if (!this.#session || this.status !== 'live') return false;
    if (message.type === 'presence') {
      const text = JSON.stringify(message.data);
      // The tab that sent presence data on the former leader's stream may be closed.
      if (this.#mirror.term !== this.#shownTerm) this.#isShownOver = false;
      this.#shownTerm = this.#mirror.term;
      if (this.#isShownOver && text === this.#shown) return true;
      [this.#shown, this.#isShownOver] = [text, false];
    }
    this.#session.post({ type: 'send', message });
    return true;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void) {
    return this.#events.on(name, listener);
  }

  #addUpdate(content: UpdateContent): OutboxEntry {
    const { server, nextCounter, facts } = this.#mirror;
    const entry = this.#ownEdits.add(content, server.cursor, nextCounter, facts.account);
    this.#mirror.handleOwnEdits(entry);
    this.#session?.deliver();
    return entry;
  }

  #openSession(): Session {
    const { locks, whole, name, openChannel, isVisible } = this.#surroundings;
    const { url, formerUrls = [], field } = this.#options;
    const addresses = [url, ...formerUrls].map(trimUrl);
    const shared = { locks, whole, name, field };
    return new Session({
      ...{ locks, isVisible, options: this.#options, tab: this.#tab, mirror: this.#mirror, ownEdits: this.#ownEdits },
      channel: openChannel(`${name}/${version}`),
      leadLock: `${name}/lead/${version}`,
      makeSlots: () => new Slots({ ...shared, addresses }),
      inboxes: new Inboxes(shared),
      onOtherMessage: ({ type }) => {
        if (type === 'presence') this.#isShownOver = true;
      },
      onProblem: (error) => this.#reportProblem(error),
    });
  }

  #reportProblem(error: unknown): void {
    const problem = { code: 'storage', message: error instanceof Error ? error.message : String(error) };
    this.#mirror.setStatus(this.status, problem);
    this.#events.emit('problem', problem);
  }

  /** Performs starts and closes one after the other, in the order of the calls. */
  #runExclusive(step: () => Promise<void>): Promise<void> {
    this.#lastTransition = this.#lastTransition.catch(() => undefined).then(step);
    return this.#lastTransition;
  }
}

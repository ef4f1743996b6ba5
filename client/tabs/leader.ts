/**
 * Runs the client that all tabs share, and handles their edits and requests. Every edit has a key, so that one that is sent again,
 * to this leader or a later one, is added once.
 */
import { RequestError } from '../connection/http.ts';
import { createFieldClient } from '../field-client.ts';
import type { FieldClientOptions } from '../options.ts';
import type { OutboxStore } from '../storage/persistence/outbox-store.ts';
import { persistentStorage } from '../storage/persistent-storage.ts';
import { type Synchronizer, synchronizers } from '../synchronizer.ts';
import type { FieldClient, FieldConflict, FieldView, OutboxEntry } from '../types.ts';
import { Adoption } from './adoption.ts';
import type { Inboxes } from './inboxes.ts';
import { type Answer, type Edit, type LeaderMessage, type TabMessage, tokenPath } from './messages.ts';
import { Publisher } from './publisher.ts';
import type { Slot, Slots } from './slots.ts';
import { StoredEdits } from './stored-edits.ts';

const tickMs = 1000;

export interface LeaderDeps {
  readonly options: FieldClientOptions;
  readonly slots: Slots;
  readonly inboxes: Inboxes;
  /** The state that the tab has shown so far. */
  readonly server: FieldView;
  readonly conflicts: readonly FieldConflict[];
  readonly slotPatienceMs: number;
  readonly publish: (message: LeaderMessage) => void;
}

interface Running {
  readonly client: FieldClient;
  readonly synchronizer: Synchronizer;
  readonly slot: Slot;
  readonly term: number;
  readonly adoption: Adoption;
  readonly publisher: Publisher;
}

export class Leader {
  readonly #deps: LeaderDeps;
  readonly #stored = new StoredEdits();
  /** Edits in the outbox that are not known to be stored. */
  readonly #added = new Set<string>();
  /** Edits whose storage is not confirmed to their tabs yet. */
  readonly #unconfirmed = new Set<string>();
  #running: Running | undefined;
  #starting: Promise<void> = Promise.resolve();
  #isStarted = false;
  #isStopped = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(deps: LeaderDeps) {
    this.#deps = deps;
  }

  /** Resolves when the storage has been read and the state was published. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { slots, slotPatienceMs } = this.#deps;
    const { own, others, openTerms } = await slots.find(this.#stored, slotPatienceMs);
    const formerTerm = Math.max(own.term, ...others.map(({ term }) => term));
    // The fraction distinguishes leaders of which one has taken the lead from the other at once.
    const term = Math.max(Date.now(), Math.floor(formerTerm) + 1) + Math.random();
    await slots.markTerm(own, term).catch(() => undefined);
    if (this.#isStopped) return;
    const running = this.#createClient(own, term, openTerms, others);
    this.#running = running;
    await running.client.start();
    if (!this.#isStopped) await running.adoption.start();
    if (this.#isStopped) return;
    this.#isStarted = true;
    this.#timer = setInterval(() => this.#tick(), tickMs);
    running.publisher.start();
  }

  #createClient(slot: Slot, term: number, openTerms: readonly number[], others: readonly Slot[]): Running {
    const { options, server, conflicts, publish } = this.#deps;
    // Each tab predicts for itself.
    const { prediction, ...rest } = options;
    const client = createFieldClient({ ...rest, storage: persistentStorage(slot.storage) });
    const synchronizer = synchronizers.get(client) as Synchronizer;
    // Otherwise the shown state would go back to the one that was stored last.
    if (server.version > 0) synchronizer.services.replica.restore(server);
    const adoption = new Adoption({
      ...this.#deps,
      ...{ stored: this.#stored, openTerms, others },
      accept: (edits) => this.#accept(edits),
      onChange: () => publisher.schedule(),
      onSettled: (entry) => this.#publishStored([], [entry]),
    });
    const publisher: Publisher = new Publisher({ client, synchronizer, adoption, term, conflicts, publish });
    return { client, synchronizer, slot, term, adoption, publisher };
  }

  /** Resolves when this page uses no slot any more. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#starting.catch(() => undefined);
    const running = this.#running;
    if (running) {
      running.publisher.stop();
      await running.adoption.stop();
      await running.client.close().catch(() => undefined);
      await this.#confirm();
    }
    this.#deps.slots.releaseAll();
  }

  receive(message: TabMessage): void {
    const running = this.#running;
    if (message.type === 'ping') {
      this.#deps.publish({ type: 'alive', term: running?.term ?? 0, sequence: running?.publisher.sequence ?? 0 });
    }
    if (!running || !this.#isStarted || this.#isStopped) return;
    const { client, adoption, publisher, term } = running;
    switch (message.type) {
      case 'hello':
        adoption.watch(message.inbox);
        if (message.needsState) publisher.publishState(message.tab);
        return;
      case 'edits':
        if (message.term === term) void this.#accept(message.edits);
        return;
      case 'find':
        this.#publishStored([], this.#findSettled(message.keys));
        return;
      case 'discard': {
        const entry = client.outbox.find(({ key }) => key === message.key);
        if (entry) client.discard(entry);
        publisher.schedule();
        return;
      }
      case 'send':
        client.sendMessage(message.message);
        return;
      case 'region':
        client.setRegion(message.region);
        publisher.schedule();
        return;
      case 'read':
        void this.#read(message);
        return;
      case 'wake':
        client.wake();
        return;
      case 'renew-token':
        client.renewToken();
        return;
    }
  }

  /** @returns whether all of them are stored */
  async #accept(edits: readonly Edit[]): Promise<boolean> {
    const running = this.#running;
    if (!running || this.#isStopped) return false;
    const { synchronizer, publisher } = running;
    const { tokenProvider, outbox } = synchronizer.services;
    let isForeign = false;
    for (const { key, content, seen, createdAt, account = tokenProvider.account } of edits) {
      this.#unconfirmed.add(key);
      if (this.#stored.has(key) || this.#added.has(key)) continue;
      this.#added.add(key);
      isForeign ||= account !== tokenProvider.account;
      const identity = { device: tokenProvider.device, account };
      synchronizer.addUpdate(content, seen, { identity, key, ownKey: key, createdAt });
    }
    if (isForeign) outbox.separateAccounts();
    publisher.schedule();
    await this.#confirm();
    return edits.every(({ key }) => this.#stored.has(key));
  }

  /** Publishes which edits are stored by now. */
  async #confirm(): Promise<void> {
    const running = this.#running;
    if (!running || this.#unconfirmed.size === 0) return;
    const requested = [...this.#unconfirmed];
    const { outbox } = running.synchronizer.services;
    const store = running.synchronizer.services.store as OutboxStore;
    await store.flush();
    const { failedKeys, isDetached } = store;
    const waiting = new Set(outbox.entries.flatMap(({ key, status }) => (isWaiting(status) ? key : [])));
    // A storage that could not be read drops writes without an error.
    const keys = requested.filter((key) => !failedKeys.has(key) && !(isDetached && waiting.has(key)));
    if (keys.length === 0) return;
    for (const key of keys) {
      this.#stored.add(key);
      this.#added.delete(key);
      this.#unconfirmed.delete(key);
    }
    // The outbox and the kept updates have the keys as well, for the next ten minutes.
    await this.#deps.slots.saveStored(running.slot, this.#stored).catch(() => undefined);
    // The published outbox replaces the tabs' own entries.
    running.publisher.publishChange();
    this.#publishStored(keys, this.#findSettled(keys));
  }

  #findSettled(keys: readonly string[]): OutboxEntry[] {
    const wanted = new Set(keys);
    const { outbox, store } = this.#running?.synchronizer.services ?? {};
    for (const { key } of outbox?.entries ?? []) wanted.delete(key);
    return (store?.kept ?? []).flatMap(({ entry }) => (wanted.has(entry.key) ? entry : []));
  }

  #publishStored(keys: readonly string[], settled: readonly OutboxEntry[]): void {
    if (keys.length + settled.length > 0) this.#deps.publish({ type: 'stored', keys, settled });
  }

  async #read({ tab: to, id, path }: Extract<TabMessage, { type: 'read' }>): Promise<void> {
    const { client } = this.#running ?? {};
    const reading = path === tokenPath ? client?.getToken() : client?.read(path);
    const answer: Answer = await (reading ?? Promise.reject()).then(
      (body) => ({ body }),
      (error) => ({ error: describeError(error) }),
    );
    this.#deps.publish({ type: 'answer', to, id, answer });
  }

  #tick(): void {
    this.#running?.publisher.schedule();
    void this.#confirm();
  }
}

function isWaiting(status: OutboxEntry['status']): boolean {
  return status === 'queued' || status === 'accepted';
}

function describeError(error: unknown) {
  const { code, message, status, retryAfterMs } =
    error instanceof RequestError ? error : new RequestError('unknown', String(error));
  return { code, message, status, retryAfterMs };
}

/** Publishes the leader's client: a change for each microtask and each server message, and everything to a tab that needs it. */
import type { ServerMessage } from '../../shared/contract/messages.ts';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { Presence } from '../presence/presence.ts';
import type { Synchronizer } from '../synchronizer.ts';
import type { ClientProblem, FieldClient, FieldConflict, OutboxEntry } from '../types.ts';
import type { Adoption } from './adoption.ts';
import type { Facts, LeaderMessage, PublishedEntry } from './messages.ts';

export interface PublisherDeps {
  readonly client: FieldClient;
  readonly synchronizer: Synchronizer;
  readonly adoption: Pick<Adoption, 'openTerms' | 'entries'>;
  readonly term: number;
  /** Those that the tab has shown so far. */
  readonly conflicts: readonly FieldConflict[];
  readonly publish: (message: LeaderMessage) => void;
}

export class Publisher {
  readonly #deps: PublisherDeps;
  #isRunning = false;
  #isScheduled = false;
  #sequence = 0;
  /** The stream lists the present devices only once, and then sends changes. */
  readonly #presence = new Presence(() => false);
  #published: ReadonlyMap<string, PublishedEntry> = new Map();
  #publishedFacts = '';
  #conflicts: readonly FieldConflict[];
  /** Changes since the last publication. */
  #changed = new Map<string, OutboxEntry>();
  #newConflicts: FieldConflict[] = [];
  #newProblems: ClientProblem[] = [];

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.#conflicts = deps.conflicts;
    const { client } = deps;
    client.on('update', (entry) => {
      this.#changed.set(entry.key, entry);
      this.schedule();
    });
    client.on('status', (status) => {
      if (status !== 'live') this.#presence.clear();
      this.schedule();
    });
    client.on('problem', (problem) => {
      this.#newProblems.push(problem);
      this.schedule();
    });
    client.on('conflict', (conflict) => {
      this.#newConflicts.push(conflict);
      this.#conflicts = [conflict, ...this.#conflicts].slice(0, maxKeptConflicts);
    });
    client.on('message', (message) => {
      if (message.type === 'presence') this.#presence.apply(message);
      this.publishChange(message);
    });
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** To be called when the client has read the storage. */
  start(): void {
    this.#isRunning = true;
    this.publishState(undefined);
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Changes before the next microtask are published together. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.publishChange();
    });
  }

  /** @param to the only tab that needs it; undefined if all do */
  publishState(to: string | undefined): void {
    if (!this.#isRunning) return;
    if (to !== undefined) this.publishChange();
    const { synchronizer, term, publish } = this.#deps;
    const facts = this.#facts;
    const outbox = this.#readOutbox();
    this.#published = new Map(outbox.map((published) => [published.entry.key, published]));
    this.#publishedFacts = JSON.stringify(facts);
    publish({
      ...{ type: 'state', term, sequence: this.#sequence, to, facts, outbox, conflicts: this.#conflicts },
      state: synchronizer.services.replica.server,
      presence: { ...this.#presence.view, complete: true },
    });
  }

  /** @param message the server's message that caused the change */
  publishChange(message?: ServerMessage): void {
    if (!this.#isRunning) return;
    const former = this.#published;
    const outbox = this.#readOutbox();
    this.#published = new Map(outbox.map((published) => [published.entry.key, published]));
    const entries = outbox.filter(({ entry, isContained }) => {
      const known = former.get(entry.key);
      return known?.entry !== entry || known.isContained !== isContained;
    });
    const removed = [...former.keys()].filter((key) => !this.#published.has(key));
    const settled = [...this.#changed.values()].filter(({ key }) => !this.#published.has(key));
    const facts = this.#facts;
    const text = JSON.stringify(facts);
    const isNew = text !== this.#publishedFacts;
    this.#publishedFacts = text;
    const [conflicts, problems] = [this.#newConflicts, this.#newProblems];
    this.#changed.clear();
    [this.#newConflicts, this.#newProblems] = [[], []];
    const count = entries.length + removed.length + settled.length + conflicts.length + problems.length;
    if (!message && !isNew && count === 0) return;
    this.#sequence += 1;
    const { term, publish } = this.#deps;
    publish({
      ...{ type: 'change', term, sequence: this.#sequence, facts: isNew ? facts : undefined, message },
      ...{ entries, removed, settled, conflicts, problems },
    });
  }

  get #facts(): Facts {
    const { client, adoption, synchronizer } = this.#deps;
    const { status, transport, deviceId, problem } = client;
    const { tokenProvider, replica } = synchronizer.services;
    const { account } = tokenProvider;
    const { region } = replica;
    return { status, transport, deviceId, account, problem, region, openTerms: adoption.openTerms };
  }

  #readOutbox(): PublishedEntry[] {
    const { synchronizer, adoption } = this.#deps;
    const { outbox } = synchronizer.services;
    const uncontained = new Set(outbox.uncontained);
    const own = outbox.entries.map((entry) => ({
      entry,
      isContained: entry.status !== 'refused' && !uncontained.has(entry.update),
    }));
    const keys = new Set(own.map(({ entry }) => entry.key));
    const others = adoption.entries.filter(({ key }) => !keys.has(key));
    return [...others.map((entry) => ({ entry, isContained: false })), ...own];
  }
}

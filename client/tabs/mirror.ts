/** A tab's view of the client that the leader runs, with the tab's own edits on top. The leading tab has one too. */
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import type { Emitter } from '../emitter.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import { SettlementTracker } from '../outbox/settlement-tracker.ts';
import type { Prediction } from '../state/prediction.ts';
import { Replica } from '../state/replica.ts';
import type { ClientEvents, ClientProblem, FieldConflict, FieldView, OutboxEntry, Status } from '../types.ts';
import type { ChangeMessage, Facts, PublishedEntry, StateMessage } from './messages.ts';
import type { OwnEdits } from './own-edits.ts';

export interface MirrorDeps {
  readonly field: string;
  readonly prediction: Prediction | undefined;
  readonly clock: HybridClock;
  readonly events: Emitter<ClientEvents>;
  readonly ownEdits: OwnEdits;
}

const closedFacts: Facts = {
  status: 'closed',
  transport: undefined,
  deviceId: undefined,
  account: undefined,
  problem: undefined,
  region: undefined,
  openTerms: [],
};

export class Mirror {
  readonly settlements = new SettlementTracker();
  readonly #deps: MirrorDeps;
  readonly #replica: Replica;
  #facts = closedFacts;
  #published: ReadonlyMap<string, PublishedEntry> = new Map();
  #outbox: readonly OutboxEntry[] | undefined;
  #conflicts: readonly FieldConflict[] = [];
  #term = 0;
  #sequence = 0;

  constructor(deps: MirrorDeps) {
    this.#deps = deps;
    const getUncontained = () => this.#uncontained;
    const outbox = {
      get uncontained() {
        return getUncontained();
      },
    };
    this.#replica = new Replica(deps.field, outbox, deps.clock, deps.prediction);
  }

  get view(): FieldView {
    return this.#replica.getView(this.#facts.deviceId);
  }

  /** The server's state, whose cursor new edits refer to. */
  get server(): FieldView {
    return this.#replica.server;
  }

  get facts(): Facts {
    return this.#facts;
  }

  get conflicts(): readonly FieldConflict[] {
    return this.#conflicts;
  }

  /** 0 before the first leader is known. */
  get term(): number {
    return this.#term;
  }

  /** The same array until something changes. */
  get outbox(): readonly OutboxEntry[] {
    this.#outbox ??= [...this.#entries.map(({ entry }) => entry), ...this.#unpublished];
    return this.#outbox;
  }

  /** A guess at the counter of a new edit. */
  get nextCounter(): number {
    return (this.outbox.at(-1)?.counter ?? 0) + 1;
  }

  /** To be called when own edits were added or confirmed. */
  handleOwnEdits(entry?: OutboxEntry): void {
    this.#outbox = undefined;
    this.#replica.invalidate();
    if (entry) this.#deps.events.emit('update', entry);
    this.#emitState();
  }

  /** Whether all messages up to this one have arrived. */
  isCurrent(term: number, sequence: number): boolean {
    return term < this.#term || (term === this.#term && sequence === this.#sequence);
  }

  /**
   * Replaces everything, unless the message is of an earlier leader.
   * @returns the keys of updates that were pending and are no longer in the outbox; undefined if nothing was replaced
   */
  replace({ term, sequence, facts, state, outbox, conflicts, presence }: StateMessage): string[] | undefined {
    if (term < this.#term) return undefined;
    // Another leader has another stream, on which the device's presence has to be sent again.
    if (term !== this.#term && facts.status === 'live' && this.#facts.status === 'live') this.setStatus('connecting');
    [this.#term, this.#sequence] = [term, sequence];
    const former = this.#published;
    this.#published = new Map(outbox.map((published) => [published.entry.key, published]));
    this.#replica.region = facts.region;
    this.#replica.restore(state);
    this.#outbox = undefined;
    this.#conflicts = conflicts;
    this.setFacts(facts);
    for (const { entry } of outbox) this.#record(entry, former.get(entry.key)?.entry);
    this.#emitState();
    if (presence.activeNodes > 0) this.#deps.events.emit('message', { type: 'presence', ...presence });
    return [...former.values()].flatMap(({ entry }) =>
      this.#published.has(entry.key) || isFinal(entry) ? [] : entry.key,
    );
  }

  /** @returns false when a message before this one is missing */
  change(change: ChangeMessage): boolean {
    const { term, sequence, facts, message, entries, removed, settled, conflicts, problems } = change;
    if (term < this.#term) return true;
    if (term !== this.#term || sequence !== this.#sequence + 1)
      return sequence <= this.#sequence && term === this.#term;
    this.#sequence = sequence;
    if (facts) this.#replica.region = facts.region;
    const effect = message && this.#replica.apply(message);
    const former = this.#published;
    if (entries.length + removed.length > 0) {
      this.#published = new Map([...former, ...entries.map((published) => [published.entry.key, published] as const)]);
      for (const key of removed) (this.#published as Map<string, PublishedEntry>).delete(key);
    }
    this.#outbox = undefined;
    this.#replica.invalidate();
    if (facts) this.setFacts(facts);
    for (const { entry } of entries) this.#record(entry, former.get(entry.key)?.entry);
    this.settle(settled);
    for (const problem of problems) this.#deps.events.emit('problem', problem);
    for (const conflict of conflicts) this.#addConflict(conflict);
    if (effect === 'applied' || entries.length + removed.length > 0) this.#emitState();
    if (message) this.#deps.events.emit('message', message);
    return effect !== 'gap';
  }

  /** The results of updates that have left the outbox. */
  settle(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) this.#record(entry, undefined);
  }

  setFacts(facts: Facts): void {
    const { status } = this.#facts;
    this.#facts = facts;
    if (facts.status !== status) this.#deps.events.emit('status', facts.status);
  }

  setStatus(status: Status, problem?: ClientProblem): void {
    this.setFacts({ ...this.#facts, status, problem, transport: undefined });
  }

  get #entries(): PublishedEntry[] {
    return [...this.#published.values()].sort((a, b) => a.entry.counter - b.entry.counter);
  }

  get #unpublished(): OutboxEntry[] {
    return this.#deps.ownEdits.entries.filter(({ key }) => !this.#published.has(key));
  }

  get #uncontained() {
    const shown = this.#entries.filter(({ entry, isContained }) => entry.status !== 'refused' && !isContained);
    return [...shown.map(({ entry }) => entry), ...this.#unpublished].map(({ update }) => update);
  }

  #record(entry: OutboxEntry, former: OutboxEntry | undefined): void {
    if (former && JSON.stringify(former) === JSON.stringify(entry)) return;
    this.settlements.record(entry);
    this.#deps.events.emit('update', entry);
  }

  #addConflict(conflict: FieldConflict): void {
    this.#conflicts = [conflict, ...this.#conflicts].slice(0, maxKeptConflicts);
    this.#deps.events.emit('conflict', conflict);
  }

  #emitState(): void {
    if (this.#deps.events.hasListeners('state')) this.#deps.events.emit('state', this.view);
  }
}

function isFinal({ status }: OutboxEntry): boolean {
  return status === 'applied' || status === 'conflict' || status === 'refused';
}

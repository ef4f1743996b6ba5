/**
 * The device's own updates that are not settled, in the order of their counters. Owns counters, timestamps, order and
 * persistence; `entry-state.ts` owns what happens to a single entry.
 *
 * Invariants: counters ascend along the list and are never assigned twice. An update is stored under a counter before it is
 * sent under it; the sender waits for that.
 */

import type { UpdateResult } from '../../shared/contract/receipt.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { OutboxEntry } from '../types.ts';
import { type EntryEvent, isDue, isPending, isSettled, needsResult, nextState, toStatus } from './entry-state.ts';
import { createItem, type Item, restoreItem, toStoredEntry, type UpdateContent } from './outbox-item.ts';
import type { OutboxStore } from './outbox-store.ts';

/** How many entries settled by deltas are remembered, in case the server reports later that a counter was used twice. */
/** What both a response and a delta say of an update. */
export type KnownResult = Omit<UpdateResult, 'cursor'>;

const maxSettledByDelta = 200;

export interface OutboxDeps {
  readonly store: OutboxStore;
  readonly clock: HybridClock;
  readonly onChange: (entry: OutboxEntry) => void;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  #items: Item[] = [];
  #isLoaded = false;
  #createdCount = 0;
  #highestCounter = 0;
  /** The highest counter that this process, or an earlier one, may have sent. */
  #highestSentCounter = 0;
  #lastSentTimestamp = 0;
  /** Whether another process sends as this device, with a copied token: then deltas settle nothing, only responses do. */
  #isDeviceShared = false;
  /** The entries most recently settled by deltas, including those dropped from the list. */
  #settledByDelta: readonly Item[] = [];
  #entries: readonly OutboxEntry[] | undefined;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /** Reads the stored entries. Updates that were added before are numbered after them. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    const { store } = this.#deps;
    const { counter, entries } = await store.load();
    const addedBefore = this.#items;
    this.#isLoaded = true;
    this.#highestCounter = counter;
    this.#highestSentCounter = counter;
    this.#items = [...entries.map(restoreItem), ...addedBefore];
    for (const item of addedBefore) {
      item.position = store.nextPosition();
      this.#renumber(item);
    }
    this.#entries = undefined;
  }

  get entries(): readonly OutboxEntry[] {
    this.#entries ??= this.#items.map(({ entry }) => entry);
    return this.#entries;
  }

  /** The number of updates that are not settled. */
  get pending(): number {
    return this.#items.filter(({ state }) => isPending(state)).length;
  }

  get hasDue(): boolean {
    return this.#items.some(({ state }) => isDue(state));
  }

  /** Whether one of these updates can be settled only by the response to a request with it. */
  needsResults(updates: readonly SentUpdate[]): boolean {
    const items = this.#findByCounter(updates.map(({ counter }) => counter));
    return this.#isDeviceShared || items.some(({ state }) => needsResult(state));
  }

  /** The own updates that the server's state at this version does not contain, in order. */
  pendingAt(version: number): SentUpdate[] {
    return this.#items
      .filter(({ state, entry }) => isPending(state) || (entry.version ?? 0) > version)
      .map(({ entry }) => entry.update);
  }

  /** @param seen the cursor of the state that the change was made on */
  add(content: UpdateContent, seen: Cursor): OutboxEntry {
    const { store, clock } = this.#deps;
    this.#highestCounter += 1;
    this.#createdCount += 1;
    const item = createItem(content, {
      key: `new-${this.#createdCount}`,
      counter: this.#highestCounter,
      seen,
      position: this.#isLoaded ? store.nextPosition() : 0,
      clock,
    });
    this.#items.push(item);
    this.#save(item);
    this.#notify(item);
    return item.entry;
  }

  /** The first due updates: at most `maxCount`, together at most `maxLength` characters unless the first alone is longer. */
  nextBatch(maxCount: number, maxLength: number): SentUpdate[] {
    const updates: SentUpdate[] = [];
    let length = 0;
    for (const item of this.#items) {
      if (!isDue(item.state)) continue;
      this.#fixTimestamp(item);
      length += JSON.stringify(item.entry.update).length + 1;
      if (updates.length === maxCount || (updates.length > 0 && length > maxLength)) break;
      this.#transition(item, 'sent');
      this.#highestSentCounter = Math.max(this.#highestSentCounter, item.entry.counter);
      updates.push(item.entry.update);
    }
    return updates;
  }

  markAccepted(counters: readonly number[]): void {
    for (const item of this.#findByCounter(counters)) this.#transition(item, 'acknowledged');
  }

  /** Sends every accepted update again: its result may have been missed, and the response repeats it. */
  resendAccepted(): void {
    for (const item of this.#items) this.#transition(item, 'resultMissed');
  }

  /**
   * Records results. When a response says that a counter was already used for another update, the update gets a new counter,
   * and so do the updates queued after it, so that their order is kept.
   * @returns whether counters were used twice, so that the server's highest counter has to be read again
   */
  settle(results: readonly KnownResult[], source: 'response' | 'delta'): boolean {
    const isResponse = source === 'response';
    const hasDisputes = !isResponse && this.#dispute(results);
    if (!isResponse && this.#isDeviceShared) return hasDisputes;
    const byCounter = new Map(results.map((result) => [result.counter, result]));
    const resultOf = ({ state, entry }: Item) => (isPending(state) ? byCounter.get(entry.counter) : undefined);
    const isReused = (item: Item) => resultOf(item)?.outcome === 'reused';
    const hasReused = this.#items.some(isReused);
    if (hasReused) this.#renumberAll((item) => isReused(item) || item.state === 'queued');
    for (const item of this.#items) {
      const result = resultOf(item);
      if (!result) continue;
      const { outcome, version, resolution } = result;
      const event = isResponse ? 'settledByResponse' : 'settledByDelta';
      if (!this.#transition(item, event, { outcome, version, resolution })) continue;
      this.#deps.store.remove(item.position);
      if (!isResponse) this.#settledByDelta = [...this.#settledByDelta, item].slice(-maxSettledByDelta);
    }
    return hasReused || hasDisputes;
  }

  /** Drops entries whose updates the server's state at this version contains. */
  dropSettled(version: number): void {
    const isContained = ({ state, entry }: Item) => isSettled(state) && (entry.version ?? 0) <= version;
    if (this.#items.some(isContained)) this.#setItems(this.#items.filter((item) => !isContained(item)));
  }

  /** @param reason the server's explanation */
  refuse(counter: number, reason: string): void {
    for (const item of this.#findByCounter([counter])) {
      if (this.#transition(item, 'rejected', { reason })) this.#save(item);
    }
  }

  /** Removes a refused entry; does nothing to others. */
  discard(key: string): void {
    const item = this.#items.find(({ state, entry }) => entry.key === key && state === 'refused');
    if (!item) return;
    this.#setItems(this.#items.filter((other) => other !== item));
    this.#deps.store.remove(item.position);
  }

  /**
   * Takes note of the highest counter that the server knows of this device. If it is above all that was sent from here, the
   * storage is older than the device (a restored backup): new counters start above it, and queued updates are renumbered.
   * Other updates keep their counters, because the server's comparison decides whether it has them already.
   * @returns whether counters were skipped
   */
  skipTo(counter: number): boolean {
    if (counter <= this.#highestSentCounter) return false;
    this.#highestCounter = Math.max(this.#highestCounter, counter);
    this.#renumberAll(({ state }) => state === 'queued');
    return true;
  }

  /**
   * A delta reports counters that were used twice, but not which of the updates was applied. The entries concerned are sent
   * again, even if a delta had settled them, and the response decides.
   * @returns whether there are such entries
   */
  #dispute(results: readonly KnownResult[]): boolean {
    const reused = new Set(results.filter(({ outcome }) => outcome === 'reused').map(({ counter }) => counter));
    if (reused.size === 0) return false;
    const candidates = new Set([...this.#items, ...this.#settledByDelta]);
    const disputed = [...candidates].filter((item) => {
      if (!reused.has(item.entry.counter)) return false;
      return isSettled(item.state) ? this.#reinstate(item) : this.#transition(item, 'disputed');
    });
    this.#settledByDelta = this.#settledByDelta.filter((item) => !disputed.includes(item));
    this.#sort();
    this.#isDeviceShared ||= disputed.length > 0;
    return disputed.length > 0;
  }

  #reinstate(item: Item): boolean {
    const withoutResult = { outcome: undefined, version: undefined, resolution: undefined };
    if (!this.#transition(item, 'disputed', withoutResult)) return false;
    item.position = this.#deps.store.nextPosition();
    if (!this.#items.includes(item)) this.#items.push(item);
    this.#save(item);
    return true;
  }

  #renumberAll(matches: (item: Item) => boolean): void {
    for (const item of this.#items.filter(matches)) this.#renumber(item);
    this.#sort();
  }

  #renumber(item: Item): void {
    this.#highestCounter += 1;
    const counter = this.#highestCounter;
    this.#transition(item, 'renumbered', { counter, update: { ...item.entry.update, counter } });
    this.#save(item);
  }

  /** Before an update is first sent, its timestamp is corrected by what was learned of the server's clock since. */
  #fixTimestamp(item: Item): void {
    if (item.isTimestampFixed) return;
    const { update } = item.entry;
    const minTimestamp = Math.max(item.minTimestamp, this.#lastSentTimestamp);
    const timestamp = this.#deps.clock.restamp(item.createdAt, minTimestamp);
    item.isTimestampFixed = true;
    this.#lastSentTimestamp = timestamp;
    if (timestamp === update.timestamp) return;
    item.entry = { ...item.entry, update: { ...update, timestamp } };
    this.#entries = undefined;
  }

  /** @returns whether the event applies to the entry's state. The app is notified if what it sees of the entry changes. */
  #transition(item: Item, event: EntryEvent, change?: Partial<OutboxEntry>): boolean {
    const state = nextState(item.state, event);
    if (!state) return false;
    item.state = state;
    const status = toStatus(state, change?.outcome);
    if (!change && status === item.entry.status) return true;
    item.entry = { ...item.entry, ...change, status };
    this.#notify(item);
    return true;
  }

  #notify({ entry }: Item): void {
    this.#entries = undefined;
    this.#deps.onChange(entry);
  }

  #save(item: Item): void {
    if (this.#isLoaded) this.#deps.store.save(toStoredEntry(item));
  }

  #setItems(items: Item[]): void {
    this.#items = items;
    this.#entries = undefined;
  }

  #sort(): void {
    this.#setItems(this.#items.sort((a, b) => a.entry.counter - b.entry.counter));
  }

  #findByCounter(counters: readonly number[]): Item[] {
    const wanted = new Set(counters);
    return this.#items.filter(({ state, entry }) => isPending(state) && wanted.has(entry.counter));
  }
}

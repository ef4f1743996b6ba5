/**
 * The device's own updates, in the order of their counters: those that are not settled, and settled ones until the server's
 * state is known to contain them. Owns counters, timestamps, order and persistence; `entry-state.ts` owns what happens to a
 * single entry, and `applied-items.ts` what happens to settled ones.
 *
 * Invariants: counters ascend along the list, and a device never assigns one twice. An update is stored under a counter before it is
 * sent under it, and so is the fact that it may have been sent; the sender waits for that.
 */
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { OutboxEntry } from '../types.ts';
import type { UpdateContent } from '../updates/update-content.ts';
import { AppliedItems } from './applied-items.ts';
import { CounterSequence } from './counter-sequence.ts';
import { isDue, isPending, isSentOnce, isSettled, isUnanswered, needsResult, nextState } from './entry-state.ts';
import { FarCounters } from './far-counters.ts';
import { ItemList } from './item-list.ts';
import type { ItemStore } from './item-store.ts';
import { OtherAccounts } from './other-accounts.ts';
import {
  createItem,
  type Identity,
  type Item,
  type ItemOrigin,
  type SentByDevice,
  toSentByDevice,
} from './outbox-item.ts';

export interface OutboxDeps {
  readonly store: ItemStore;
  readonly clock: HybridClock;
  /** The device that updates are sent as, and the account that its token belongs to. */
  readonly identity: () => Identity;
  readonly random: () => number;
  readonly onChange: (entry: OutboxEntry) => void;
  /** Called with the number of updates that have left the outbox because they belong to another account. */
  readonly onSetAside: (count: number) => void;
}

export class Outbox {
  readonly applied: AppliedItems;
  readonly farCounters: FarCounters;
  readonly #deps: OutboxDeps;
  readonly #list: ItemList;
  readonly #counters: CounterSequence;
  readonly #otherAccounts: OtherAccounts;
  #isLoaded = false;
  #createdCount = 0;
  #lastSentTimestamp = 0;
  #hasLeapt = false; // since writes to the storage began to fail
  /** Whether another process sends as this device, with a copied token: then deltas settle nothing, only responses do. */
  #isDeviceShared = false;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#list = new ItemList(deps.onChange);
    this.#otherAccounts = new OtherAccounts(this.#list, deps.onSetAside);
    this.#counters = new CounterSequence(deps.random);
    const shared = { ...deps, list: this.#list, counters: this.#counters, otherAccounts: this.#otherAccounts };
    this.applied = new AppliedItems({ ...shared, separateAccounts: () => this.separateAccounts() });
    const renumber = (matches: (item: Item) => boolean) => this.#renumberAll(matches);
    this.farCounters = new FarCounters({ ...shared, applied: this.applied, renumber });
  }

  /**
   * Reads the stored entries. Updates that were added before are numbered after them.
   * @param version of the stored state
   */
  async load(version: number): Promise<void> {
    if (this.#isLoaded) return;
    const { store, identity } = this.#deps;
    const { counter, items } = await store.load(identity().device, version);
    const addedBefore = this.#list.all;
    this.#isLoaded = true;
    this.#counters.load(counter);
    for (const item of addedBefore) this.#renumber(item);
    this.#list.insert(items);
    this.separateAccounts();
  }

  get entries(): readonly OutboxEntry[] {
    return this.#list.entries;
  }

  /** The number of updates that are not settled. */
  get pending(): number {
    return this.#list.all.filter(({ state }) => isPending(state)).length;
  }

  get hasDue(): boolean {
    return this.#list.all.some(({ state }) => isDue(state));
  }

  /** The unsettled updates that the server may have from a device other than the present one. */
  get sentByFormerDevices(): SentByDevice[] {
    const { device } = this.#deps.identity();
    return this.#list.all.flatMap((item) => toSentByDevice(item, device));
  }

  /** To be called when the account has changed: updates of other accounts leave the outbox until theirs signs in again. */
  separateAccounts(): void {
    this.#otherAccounts.separate(this.#deps.identity().account);
  }

  /** Assigns everything unsettled in the outbox to the present device and account. */
  claim(): void {
    const { device, account } = this.#deps.identity();
    for (const item of this.#list.all) {
      if (isSettled(item.state) || (item.device === device && item.account === account)) continue;
      Object.assign(item, { device, account: account ?? item.account });
      this.#save(item);
    }
  }

  /** Whether one of these updates can be settled only by the response to a request with it. */
  needsResults(updates: readonly SentUpdate[]): boolean {
    const items = this.#list.findPending(updates.map(({ counter }) => counter));
    return this.#isDeviceShared || items.some(({ state }) => needsResult(state));
  }

  /**
   * The own updates that the server's state is not known to contain, in order. An update that a delta reported is contained,
   * acknowledged or not.
   */
  get uncontained(): SentUpdate[] {
    return this.#list.all
      .filter(({ state, earlyResult }) => state !== 'refused' && !(isUnanswered(state) && earlyResult))
      .map(({ entry }) => entry.update);
  }

  /** @param seen the cursor of the state that the change was made on */
  add(content: UpdateContent, seen: Cursor, origin: ItemOrigin = { identity: this.#deps.identity() }): OutboxEntry {
    this.#createdCount += 1;
    const item = createItem(content, {
      key: `new-${this.#createdCount}`,
      counter: this.#counters.next(),
      seen,
      clock: this.#deps.clock,
      ...origin,
    });
    this.#list.append(item);
    this.#save(item);
    this.#list.notify(item);
    return item.entry;
  }

  /** The first due updates: at most `maxCount`, together at most `maxLength` characters unless the first alone is longer. */
  nextBatch(maxCount: number, maxLength: number): SentUpdate[] {
    const updates: SentUpdate[] = [];
    let length = 0;
    for (const item of this.#list.all) {
      if (!isDue(item.state)) continue;
      this.#fixTimestamp(item);
      length += JSON.stringify(item.entry.update).length + 1;
      if (updates.length === maxCount || (updates.length > 0 && length > maxLength)) break;
      this.#list.transition(item, 'sent');
      this.#counters.recordSent(item.entry.counter);
      updates.push(item.entry.update);
    }
    this.#deps.store.markSent(updates.at(-1)?.counter ?? 0);
    return updates;
  }

  /** @returns the results that deltas reported earlier for these counters, which can be settled now */
  markAccepted(counters: readonly number[]): UpdateResult[] {
    const items = this.#list.findPending(counters);
    for (const item of items) this.#list.transition(item, 'acknowledged');
    return items.flatMap(({ earlyResult }) => earlyResult ?? []);
  }

  /** To be called when the server's history has changed, which invalidates the results of earlier deltas. */
  forgetEarlyResults(): void {
    for (const item of this.#list.all) item.earlyResult = undefined;
  }

  /** Makes every accepted update due again: its result may have been missed, and the response repeats it. */
  resendAccepted(): void {
    for (const item of this.#list.all) this.#list.transition(item, 'resultMissed');
  }

  /** Makes accepted updates that only a response can settle due again, even while other results arrive. */
  resendUnverified(): void {
    for (const item of this.#list.all) {
      if (item.state === 'acceptedUnverified') this.#list.transition(item, 'resultMissed');
    }
  }

  /**
   * Records results. When a counter was already used for another update, the update gets a new counter, and so do the updates
   * queued after it, so that their order is kept. An expired counter that another update certainly used is treated alike.
   * @param results each with a cursor of a log that contains its update
   * @returns whether counters were used twice, so that the server's highest counter has to be read again
   */
  settle(results: readonly UpdateResult[], source: 'response' | 'delta'): boolean {
    const isResponse = source === 'response';
    const hasDisputes = !isResponse && this.#dispute(results);
    if (!isResponse && this.#isDeviceShared) return hasDisputes;
    const event = isResponse ? 'settledByResponse' : 'settledByDelta';
    const byCounter = new Map(results.map((result) => [result.counter, result]));
    const resultOf = ({ state, entry }: Item) => (nextState(state, event) ? byCounter.get(entry.counter) : undefined);
    const isForeign = (item: Item) => {
      const outcome = resultOf(item)?.outcome;
      return outcome === 'reused' || (outcome === 'expired' && isSentOnce(item.state));
    };
    const hasForeign = this.#list.all.some(isForeign);
    if (hasForeign) this.#renumberAll((item) => isForeign(item) || item.state === 'queued');
    for (const item of [...this.#list.all]) {
      const result = resultOf(item);
      item.earlyResult = isUnanswered(item.state) ? (byCounter.get(item.entry.counter) ?? item.earlyResult) : undefined;
      if (!result) continue;
      const { outcome, version, resolution, cursor } = result;
      this.#list.transition(item, event, { outcome, version, resolution });
      this.applied.add(item, cursor);
    }
    return hasForeign || hasDisputes;
  }

  refuse(counter: number, reason: string): void {
    for (const item of this.#list.findPending([counter])) {
      if (this.#list.transition(item, 'rejected', { reason })) this.#save(item);
    }
  }

  discard(key: string): void {
    const item = this.#list.all.find(({ state, entry }) => entry.key === key && state === 'refused');
    if (!item) return;
    this.#list.remove((other) => other === item);
    this.#deps.store.remove(item);
  }

  /**
   * Applies the highest counter that the server has recorded for this device. If it exceeds all counters sent from here, the
   * storage is older than the device (a restored backup). New counters then start well above it, since the server may have accepted
   * more updates than it has applied, and queued updates are renumbered. Other updates keep their counters: the server compares
   * them with those it has.
   * @returns whether counters were skipped
   */
  skipTo(counter: number): boolean {
    if (!this.#counters.skipTo(counter)) return false;
    this.#renumberAll(({ state }) => state === 'queued');
    return true;
  }

  /** To be called before sending. Unsaved updates get counters that the next process, which continues from the storage, will not assign. */
  leapIfUnsaved(): void {
    const { store } = this.#deps;
    const hasUnsaved = this.#list.all.some((item) => store.isUnsaved(item));
    if (hasUnsaved && !this.#hasLeapt) {
      this.#counters.leap();
      this.#renumberAll((item) => item.state === 'queued' && store.isUnsaved(item));
    }
    this.#hasLeapt = hasUnsaved;
  }

  /**
   * A delta reports counters that were used twice, but not which of the updates was applied. The entries concerned are sent
   * again, even if a delta had settled them, and the response decides.
   * @returns whether there are such entries
   */
  #dispute(results: readonly UpdateResult[]): boolean {
    const reused = new Set(results.filter(({ outcome }) => outcome === 'reused').map(({ counter }) => counter));
    if (reused.size === 0) return false;
    const isReused = ({ entry }: Item) => reused.has(entry.counter);
    const disputed = this.#list.all.filter((item) => isReused(item) && this.#list.transition(item, 'disputed'));
    const { kept } = this.#deps.store;
    const settled = kept.filter((item) => item.state === 'settledByDelta' && isReused(item));
    const count = disputed.length + this.applied.resend(settled);
    this.#isDeviceShared ||= count > 0;
    return count > 0;
  }

  #renumberAll(matches: (item: Item) => boolean): void {
    for (const item of this.#list.all.filter(matches)) this.#renumber(item);
    this.#list.sort();
  }

  #renumber(item: Item): void {
    const counter = this.#counters.next();
    item.earlyResult = undefined;
    this.#list.transition(item, 'renumbered', { counter, update: { ...item.entry.update, counter } });
    this.#save(item);
  }

  /** Before an update is first sent, its timestamp is corrected by the latest estimate of the server's clock. */
  #fixTimestamp(item: Item): void {
    if (item.isTimestampFixed) return;
    const { update } = item.entry;
    const minTimestamp = Math.max(item.minTimestamp, this.#lastSentTimestamp);
    const timestamp = this.#deps.clock.restamp(item.createdAt, minTimestamp);
    item.isTimestampFixed = true;
    this.#lastSentTimestamp = timestamp;
    if (timestamp !== update.timestamp) this.#list.replaceUpdate(item, { ...update, timestamp });
  }

  #save(item: Item): void {
    if (this.#isLoaded) this.#deps.store.save([item]);
  }
}

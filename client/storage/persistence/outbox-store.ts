/**
 * Writes the outbox to the storage in rounds, one at a time. Each round writes all changes that were requested before it; failed
 * writes are retried later.
 */
import type { ItemStore, LoadedItems } from '../../outbox/item-store.ts';
import type { Item } from '../../outbox/outbox-item.ts';
import type { Storage } from '../storage.ts';
import { KeptUpdates } from './kept-updates.ts';
import { byCounter, identify, restoreItem, type StoredEntry, toStoredEntry } from './stored-item.ts';
import { entryKey, type Head, headCopyKey, headKey, readOutbox } from './stored-outbox.ts';

export interface OutboxStoreDeps {
  readonly storage: Storage;
  /** Where earlier versions have stored an outbox, which becomes part of this one. */
  readonly formerStorages?: readonly Storage[];
  /** Called with the key of a value that is damaged and was removed. */
  readonly onDamage: (key: string) => void;
  /** Called when the storage cannot be read, and must not be written since that might replace entries. Then it is read again. */
  readonly onUnreadable?: (error: unknown) => void;
  /** Retries other failed writes. Never rejects. */
  readonly retryOthers?: () => Promise<unknown>;
}

export class OutboxStore implements ItemStore {
  /** Written together with the entries that are removed. */
  readonly #kept: KeptUpdates;
  readonly #deps: OutboxStoreDeps;
  /** The positions that are in use. */
  readonly #positions = new Set<number>();
  /** All positions below are in use. */
  #freePosition = 1;
  #highestPosition = 0;
  #counter = 0;
  #sentCounter = 0;
  /** The highest counter of an entry that was written: a later process continues above it. */
  #savedCounter = 0;
  #isHeadStale = true;
  #isDetached = false;
  #changed = new Map<number, StoredEntry>();
  /** By position. An item keeps its position until that is empty, so that no update is ever stored at two positions. */
  #removed = new Map<number, Item>();
  /** Entries whose last write has failed. */
  #failed = new Map<number, StoredEntry>();
  #nextRound: Promise<void> | undefined;
  #writes: Promise<void> = Promise.resolve();

  constructor(deps: OutboxStoreDeps) {
    this.#deps = deps;
    this.#kept = new KeptUpdates(deps);
  }

  /** @throws when the storage cannot be read, and there is no `onUnreadable` */
  async load(device: string | undefined, version: number): Promise<LoadedItems> {
    const { storage, onDamage, onUnreadable } = this.#deps;
    const { head, entries, unreadable } = await readOutbox(storage, onDamage).catch((error) => {
      if (!onUnreadable) throw error;
      this.#isDetached = true;
      onUnreadable(error);
      return readOutbox(storage, onDamage);
    });
    await this.#kept.load();
    for (const position of [...entries.keys(), ...unreadable]) this.#occupy(position);
    this.#counter = head?.counter ?? 0;
    for (const { update } of entries.values()) this.#counter = Math.max(this.#counter, update.counter);
    this.#sentCounter = head?.sent ?? this.#counter;
    this.#isHeadStale = head?.sent === undefined;
    const all = await this.#separate([...entries.values()]);
    for (const former of this.#deps.formerStorages ?? []) all.push(...(await this.#moveFrom(former, all)));
    all.sort(byCounter);
    const sent = this.#sentCounter;
    // Version 0.1.0 did not store the device, which is the one whose identity is stored.
    const items = all.map((entry) => restoreItem({ device, ...entry }, sent));
    // A crash may have left an update in the outbox although it is already kept.
    const counters = new Set(items.map(({ entry }) => entry.counter));
    this.forget(new Set(this.kept.filter(({ entry }) => counters.has(entry.counter))));
    return {
      counter: this.#counter,
      items: [...items, ...this.kept.filter(({ entry }) => (entry.version ?? 0) > version)],
    };
  }

  save(items: readonly Item[]): void {
    for (const item of items) item.position ||= this.#nextPosition();
    this.#saveEntries(items.map(toStoredEntry));
  }

  /** Records that updates up to this counter may have been sent. `flush` must resolve before they are sent. */
  markSent(counter: number): void {
    if (counter <= this.#sentCounter) return;
    this.#sentCounter = counter;
    this.#isHeadStale = true;
    this.#requestRound();
  }

  lowerCounters(counter: number, sent: number): void {
    this.#counter = counter;
    this.#savedCounter = Math.min(this.#savedCounter, counter);
    this.#sentCounter = Math.min(this.#sentCounter, sent);
    this.#isHeadStale = true;
    this.#requestRound();
  }

  remove(item: Item): void {
    const { position } = item;
    if (position === 0) return;
    this.#changed.delete(position);
    this.#failed.delete(position);
    this.#removed.set(position, item);
    this.#isHeadStale = true;
    this.#requestRound();
  }

  get kept(): readonly Item[] {
    return this.#kept.items;
  }

  keep(item: Item): void {
    this.#kept.add(item);
    this.#requestRound();
  }

  forget(items: ReadonlySet<Item>): void {
    this.#kept.remove(items);
    this.#requestRound();
  }

  addConnectedTime(ms: number): void {
    if (this.#kept.addConnectedTime(ms)) this.#requestRound();
  }

  retry(): void {
    if (this.#failed.size > 0) this.#saveEntries([...this.#failed.values()]);
    this.#writes = Promise.all([this.#writes, this.#deps.retryOthers?.()]).then(() => undefined);
  }

  isUnsaved({ position, entry }: Item): boolean {
    return this.#failed.has(position) && entry.counter > this.#savedCounter;
  }

  /** The keys of items whose last write has failed. */
  get failedKeys(): ReadonlySet<string | undefined> {
    return new Set([...this.#failed.values()].map(({ key }) => key));
  }

  /** Whether the storage could not be read, so that nothing is written into it. */
  get isDetached(): boolean {
    return this.#isDetached;
  }

  flush(): Promise<void> {
    return this.#writes;
  }

  #saveEntries(entries: readonly StoredEntry[]): void {
    for (const entry of entries) {
      const { place: position, update } = entry;
      this.#removed.delete(position);
      this.#failed.delete(position);
      this.#changed.set(position, entry);
      this.#counter = Math.max(this.#counter, update.counter);
    }
    this.#requestRound();
  }

  #nextPosition(): number {
    while (this.#positions.has(this.#freePosition)) this.#freePosition += 1;
    this.#occupy(this.#freePosition);
    return this.#freePosition;
  }

  #occupy(position: number): void {
    this.#positions.add(position);
    this.#highestPosition = Math.max(this.#highestPosition, position);
  }

  #requestRound(): void {
    this.#nextRound ??= this.#writes.then(() => {
      this.#nextRound = undefined;
      return this.#write();
    });
    this.#writes = this.#nextRound;
  }

  /**
   * A crash in between leaves an update in the outbox, among the kept ones or in both, and never loses the highest counter
   * together with its entry.
   */
  async #write(): Promise<void> {
    const [changed, removed] = [this.#changed, this.#removed];
    this.#changed = new Map();
    this.#removed = new Map();
    await Promise.all([...changed].map(([position, entry]) => this.#writeEntry(position, entry)));
    await this.#kept.write();
    if (this.#isHeadStale) await this.#writeHead();
    if (this.#isHeadStale) {
      // Without a current head, only the entries show a later process that their counters were used.
      for (const [position, item] of removed) this.#removeLater(position, item);
      return;
    }
    await Promise.all([...removed].map(([position, item]) => this.#removeEntry(position, item)));
  }

  async #removeEntry(position: number, item: Item): Promise<void> {
    try {
      await this.#deps.storage.remove(entryKey(position));
    } catch {
      this.#removeLater(position, item);
      return;
    }
    if (this.#changed.has(position)) return;
    item.position = 0;
    this.#positions.delete(position);
    this.#freePosition = Math.min(this.#freePosition, position);
  }

  /** Leaves the removal to a later round, unless the item has been stored again. */
  #removeLater(position: number, item: Item): void {
    if (!this.#changed.has(position)) this.#removed.set(position, item);
  }

  async #writeEntry(position: number, entry: StoredEntry): Promise<void> {
    try {
      await this.#deps.storage.set(entryKey(position), JSON.stringify(entry));
      this.#savedCounter = Math.max(this.#savedCounter, entry.update.counter);
    } catch {
      const isCurrent = !this.#removed.has(position) && !this.#changed.has(position);
      if (isCurrent) this.#failed.set(position, entry);
    }
  }

  async #writeHead(): Promise<void> {
    const head: Head = { counter: this.#counter, place: this.#highestPosition, sent: this.#sentCounter };
    this.#isHeadStale = false;
    // One after the other, so that a crash damages one of them at most.
    for (const key of [headKey, headCopyKey]) {
      await this.#deps.storage.set(key, JSON.stringify(head)).catch(() => {
        this.#isHeadStale = true;
      });
    }
  }

  /** Gives entries with the same counter distinct ones, since the server would never accept both. Copied entries are removed. */
  async #separate(entries: readonly StoredEntry[]): Promise<StoredEntry[]> {
    const edits = new Map<number, string>();
    const distinct: StoredEntry[] = [];
    for (const entry of entries) {
      const { place: position, update } = entry;
      const edit = identify(entry);
      if (edits.get(update.counter) === edit) {
        await this.#deps.storage.remove(entryKey(position)).catch(() => undefined);
        continue;
      }
      const counter = this.#chooseCounter(update.counter, edits);
      edits.set(counter, edit);
      const separated = counter === update.counter ? entry : { ...entry, update: { ...update, counter } };
      // A later process must find it under the same counter.
      if (separated !== entry) this.#saveEntries([separated]);
      distinct.push(separated);
    }
    return distinct;
  }

  /** Takes over the entries of an earlier version, except those that a process already moved before it was killed. */
  async #moveFrom(former: Storage, own: readonly StoredEntry[]): Promise<StoredEntry[]> {
    // Its copy of the state is useless, and takes up space.
    await former.remove('state').catch(() => undefined);
    const stored = await readOutbox(former, this.#deps.onDamage).catch(() => undefined);
    if (!stored || (!stored.head && stored.entries.size === 0)) return [];
    const { head, entries, unreadable } = stored;
    const edits = new Map(own.map((entry) => [entry.update.counter, identify(entry)]));
    /** How many times each edit is here already, since a killed process may have moved it. */
    const known = new Map<string, number>();
    for (const edit of edits.values()) known.set(edit, (known.get(edit) ?? 0) + 1);
    const counters = [...entries.values()].map(({ update }) => update.counter);
    this.#counter = counters.reduce((a, b) => Math.max(a, b), Math.max(this.#counter, head?.counter ?? 0));
    this.#sentCounter = Math.max(this.#sentCounter, head?.sent ?? this.#counter);
    this.#isHeadStale = true;
    const moved = [...entries.values()].sort(byCounter).flatMap((entry) => {
      const edit = identify(entry);
      const count = known.get(edit) ?? 0;
      known.set(edit, count - 1);
      if (count > 0) return [];
      const counter = this.#chooseCounter(entry.update.counter, edits);
      return { ...entry, place: this.#nextPosition(), update: { ...entry.update, counter } };
    });
    this.#saveEntries(moved);
    await this.flush();
    if (this.#failed.size > 0 || this.#isHeadStale || unreadable.length > 0) return moved;
    for (const key of [...[...entries.keys()].map(entryKey), headKey]) await former.remove(key).catch(() => undefined);
    return moved;
  }

  #chooseCounter(counter: number, taken: ReadonlyMap<number, unknown>): number {
    if (!taken.has(counter)) return counter;
    this.#counter += 1;
    return this.#counter;
  }
}

/** The items of the outbox in the order of their counters, and the entries that the app sees. */
import type { OutboxEntry } from '../types.ts';
import { type EntryEvent, isPending, nextState, toStatus } from './entry-state.ts';
import type { Item } from './outbox-item.ts';

export class ItemList {
  readonly #onChange: (entry: OutboxEntry) => void;
  #items: Item[] = [];
  #entries: readonly OutboxEntry[] | undefined;

  /** @param onChange called when the app's view of an entry has changed */
  constructor(onChange: (entry: OutboxEntry) => void) {
    this.#onChange = onChange;
  }

  get all(): readonly Item[] {
    return this.#items;
  }

  /** The same array until an entry changes. */
  get entries(): readonly OutboxEntry[] {
    this.#entries ??= this.#items.map(({ entry }) => entry);
    return this.#entries;
  }

  findPending(counters: readonly number[]): Item[] {
    const wanted = new Set(counters);
    return this.#items.filter(({ state, entry }) => isPending(state) && wanted.has(entry.counter));
  }

  /** @param item its counter must be the highest */
  append(item: Item): void {
    this.#items.push(item);
    this.#entries = undefined;
  }

  insert(items: readonly Item[]): void {
    this.#items.push(...items);
    this.sort();
  }

  remove(matches: (item: Item) => boolean): void {
    if (!this.#items.some(matches)) return;
    this.#items = this.#items.filter((item) => !matches(item));
    this.#entries = undefined;
  }

  /** To be called when counters have changed. */
  sort(): void {
    this.#items.sort((a, b) => a.entry.counter - b.entry.counter);
    this.#entries = undefined;
  }

  /** Replaces the update of an entry without notifying the app. */
  replaceUpdate(item: Item, update: OutboxEntry['update']): void {
    item.entry = { ...item.entry, update };
    this.#entries = undefined;
  }

  /** @returns whether the event applies to the entry's state. The app is notified if its view of the entry changes. */
  transition(item: Item, event: EntryEvent, change?: Partial<OutboxEntry>): boolean {
    const state = nextState(item.state, event);
    if (!state) return false;
    item.state = state;
    const status = toStatus(state, change?.outcome);
    if (!change && status === item.entry.status) return true;
    item.entry = { ...item.entry, ...change, status };
    this.notify(item);
    return true;
  }

  notify({ entry }: Item): void {
    this.#entries = undefined;
    this.#onChange(entry);
  }
}

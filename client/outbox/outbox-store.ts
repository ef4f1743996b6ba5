/**
 * The outbox in the storage: an entry for each update, by its place in the order of making, and a head with the highest
 * counter. Writes go one after the other, in the order in which they were asked for.
 */
import type { Update } from '../../shared/field/update.ts';
import { parseJson } from '../parse-json.ts';
import type { Storage } from '../storage/storage.ts';

export interface StoredEntry {
  readonly place: number;
  readonly update: Update;
  /** The device's wall clock when it was made, and the highest timestamp seen then. */
  readonly wall: number;
  readonly above: number;
  /** Of a refused one. */
  readonly reason?: string;
}

interface Head {
  /** The highest that were given so far. */
  readonly counter: number;
  readonly place: number;
  /** No entry has a lower place. */
  readonly first: number;
}

const headKey = 'outbox';
const entryKey = (place: number) => `outbox/${place}`;
const readBatchSize = 50;

export class OutboxStore {
  readonly #storage: Storage;
  /** The places of the entries that are kept, rising. */
  readonly #storedPlaces = new Set<number>();
  #place = 0;
  #counter = 0;
  #removedPlaces: number[] = [];
  #writes: Promise<void> = Promise.resolve();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Entries beyond the head's place are found as well: it is written less often. */
  async load(): Promise<{ counter: number; entries: StoredEntry[] }> {
    const head = parse<Head>(await this.#storage.get(headKey)) ?? { counter: 0, place: 0, first: 1 };
    const entries: StoredEntry[] = [];
    for (let at = head.first; ; at += readBatchSize) {
      const places = Array.from({ length: readBatchSize }, (_, offset) => at + offset);
      const texts = await Promise.all(places.map((place) => this.#storage.get(entryKey(place))));
      const found = texts.flatMap((text) => parse<StoredEntry>(text) ?? []);
      entries.push(...found);
      if (found.length === 0 && at + readBatchSize > head.place) break;
    }
    for (const { place } of entries) this.#storedPlaces.add(place);
    this.#place = Math.max(head.place, entries.at(-1)?.place ?? 0);
    this.#counter = Math.max(head.counter, ...entries.map(({ update }) => update.counter));
    return { counter: this.#counter, entries: entries.sort((a, b) => a.update.counter - b.update.counter) };
  }

  nextPlace(): number {
    this.#place += 1;
    return this.#place;
  }

  save(entry: StoredEntry): void {
    this.#storedPlaces.add(entry.place);
    this.#counter = Math.max(this.#counter, entry.update.counter);
    this.#enqueue(() => this.#storage.set(entryKey(entry.place), JSON.stringify(entry)));
  }

  /** What goes at the same time goes together. */
  remove(place: number): void {
    this.#storedPlaces.delete(place);
    this.#removedPlaces.push(place);
    if (this.#removedPlaces.length === 1) this.#enqueue(() => this.#removeEntries());
  }

  /** Resolves when all that was asked for so far is done. */
  flush(): Promise<void> {
    return this.#writes;
  }

  /** The head first: the highest counter must not go with the entry that shows it. */
  async #removeEntries(): Promise<void> {
    const gone = this.#removedPlaces;
    this.#removedPlaces = [];
    const [first = this.#place + 1] = this.#storedPlaces;
    const head: Head = { counter: this.#counter, place: this.#place, first };
    await this.#storage.set(headKey, JSON.stringify(head));
    await Promise.all(gone.map((place) => this.#storage.remove(entryKey(place))));
  }

  #enqueue(write: () => Promise<void>): void {
    this.#writes = this.#writes.then(write);
  }
}

/** What cannot be read as JSON was torn, or written by somebody else: it counts as missing. */
function parse<T>(text: string | null): T | undefined {
  return parseJson<T>(text) as T | undefined;
}

/**
 * The outbox in the storage: an entry for each update, by its place in the order of making, and a head with the highest
 * counter. Writes go one after the other, in the order in which they were asked for.
 */
import type { Update } from '../../shared/field/update.ts';
import { parseJson } from '../parse-json.ts';
import type { Storage } from '../storage/storage.ts';

export interface KeptEntry {
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
const readAtOnce = 50;

export class OutboxStore {
  readonly #storage: Storage;
  /** The places of the entries that are kept, rising. */
  readonly #kept = new Set<number>();
  #place = 0;
  #counter = 0;
  #gone: number[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Entries beyond the head's place are found as well: it is written less often. */
  async load(): Promise<{ counter: number; entries: KeptEntry[] }> {
    const head = parse<Head>(await this.#storage.get(headKey)) ?? { counter: 0, place: 0, first: 1 };
    const entries: KeptEntry[] = [];
    for (let at = head.first; ; at += readAtOnce) {
      const places = Array.from({ length: readAtOnce }, (_, offset) => at + offset);
      const texts = await Promise.all(places.map((place) => this.#storage.get(entryKey(place))));
      const found = texts.flatMap((text) => parse<KeptEntry>(text) ?? []);
      entries.push(...found);
      if (found.length === 0 && at + readAtOnce > head.place) break;
    }
    for (const { place } of entries) this.#kept.add(place);
    this.#place = Math.max(head.place, entries.at(-1)?.place ?? 0);
    this.#counter = Math.max(head.counter, ...entries.map(({ update }) => update.counter));
    return { counter: this.#counter, entries: entries.sort((a, b) => a.update.counter - b.update.counter) };
  }

  takePlace(): number {
    this.#place += 1;
    return this.#place;
  }

  keep(entry: KeptEntry): void {
    this.#kept.add(entry.place);
    this.#counter = Math.max(this.#counter, entry.update.counter);
    this.#enqueue(() => this.#storage.set(entryKey(entry.place), JSON.stringify(entry)));
  }

  /** What goes at the same time goes together. */
  forget(place: number): void {
    this.#kept.delete(place);
    this.#gone.push(place);
    if (this.#gone.length === 1) this.#enqueue(() => this.#sweep());
  }

  /** Resolves when all that was asked for so far is done. */
  saved(): Promise<void> {
    return this.#turn;
  }

  /** The head first: the highest counter must not go with the entry that shows it. */
  async #sweep(): Promise<void> {
    const gone = this.#gone;
    this.#gone = [];
    const [first = this.#place + 1] = this.#kept;
    const head: Head = { counter: this.#counter, place: this.#place, first };
    await this.#storage.set(headKey, JSON.stringify(head));
    await Promise.all(gone.map((place) => this.#storage.remove(entryKey(place))));
  }

  #enqueue(write: () => Promise<void>): void {
    this.#turn = this.#turn.then(write);
  }
}

/** What cannot be read as JSON was torn, or written by somebody else: it counts as missing. */
function parse<T>(text: string | null): T | undefined {
  return parseJson<T>(text) as T | undefined;
}

/**
 * The stored form of the outbox: one value for each entry, by the entry's position in the order of creation, and a head with
 * the highest counter. Writes are performed one after the other, in the order of the calls.
 */
import type { SentUpdate } from '../../shared/field/update.ts';
import { parseJson } from '../parse-json.ts';
import type { Storage } from '../storage/storage.ts';

/** One stored entry. The property names are the stored format, which earlier versions have written. */
export interface StoredEntry {
  /** Position in the order of creation, from 1; part of the entry's key. */
  readonly place: number;
  readonly update: SentUpdate;
  /** The device's wall clock when the update was created, in ms. */
  readonly wall: number;
  /** The highest timestamp that the device had seen by then. */
  readonly above: number;
  /** Why the server refused it; undefined unless it did. */
  readonly reason?: string;
}

/** The stored head. The property names are the stored format, which earlier versions have written. */
interface Head {
  /** The highest counter assigned so far. */
  readonly counter: number;
  /** The highest position assigned so far. */
  readonly place: number;
  /** No entry has a lower position. */
  readonly first: number;
}

const headKey = 'outbox';
const entryKey = (position: number) => `outbox/${position}`;
const readBatchSize = 50;

export class OutboxStore {
  readonly #storage: Storage;
  /** The positions of the stored entries, ascending. */
  readonly #storedPositions = new Set<number>();
  #position = 0;
  #counter = 0;
  #removedPositions: number[] = [];
  #writes: Promise<void> = Promise.resolve();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * Reads the highest counter and all entries, in the order of their counters. Reading goes on beyond the head's position,
   * because the head is written less often than entries.
   */
  async load(): Promise<{ counter: number; entries: StoredEntry[] }> {
    const head = parse<Head>(await this.#storage.get(headKey)) ?? { counter: 0, place: 0, first: 1 };
    const entries: StoredEntry[] = [];
    for (let start = head.first; ; start += readBatchSize) {
      const positions = Array.from({ length: readBatchSize }, (_, offset) => start + offset);
      const texts = await Promise.all(positions.map((position) => this.#storage.get(entryKey(position))));
      const found = texts.flatMap((text) => parse<StoredEntry>(text) ?? []);
      entries.push(...found);
      if (found.length === 0 && start + readBatchSize > head.place) break;
    }
    for (const { place } of entries) this.#storedPositions.add(place);
    this.#position = Math.max(head.place, entries.at(-1)?.place ?? 0);
    this.#counter = Math.max(head.counter, ...entries.map(({ update }) => update.counter));
    return { counter: this.#counter, entries: entries.sort((a, b) => a.update.counter - b.update.counter) };
  }

  nextPosition(): number {
    this.#position += 1;
    return this.#position;
  }

  save(entry: StoredEntry): void {
    this.#storedPositions.add(entry.place);
    this.#counter = Math.max(this.#counter, entry.update.counter);
    this.#enqueue(() => this.#storage.set(entryKey(entry.place), JSON.stringify(entry)));
  }

  /** Removals that are requested before the first of them is performed share one write of the head. */
  remove(position: number): void {
    this.#storedPositions.delete(position);
    this.#removedPositions.push(position);
    if (this.#removedPositions.length === 1) this.#enqueue(() => this.#removeEntries());
  }

  /** Resolves when every write requested so far is done. */
  flush(): Promise<void> {
    return this.#writes;
  }

  /** Writes the head first: otherwise a crash in between could lose the highest counter together with its entry. */
  async #removeEntries(): Promise<void> {
    const removed = this.#removedPositions;
    this.#removedPositions = [];
    const [first = this.#position + 1] = this.#storedPositions;
    const head: Head = { counter: this.#counter, place: this.#position, first };
    await this.#storage.set(headKey, JSON.stringify(head));
    await Promise.all(removed.map((position) => this.#storage.remove(entryKey(position))));
  }

  #enqueue(write: () => Promise<void>): void {
    this.#writes = this.#writes.then(write);
  }
}

/** A value that is not JSON was torn by a crash or written by other software; it counts as missing. */
function parse<T>(text: string | null): T | undefined {
  return parseJson<T>(text) as T | undefined;
}

/**
 * The own updates that the server has applied, kept for a while in case it loses them: a failover or a restore of its database may
 * end a history, and the device is then the only one that still has the edit. They are stored in chunks, so that an update does not
 * rewrite all of them, and a start does not read each separately.
 */
import { isCursor } from '../../../shared/field/cursor.ts';
import type { Item } from '../../outbox/outbox-item.ts';
import { parseJson } from '../../parse-json.ts';
import { isNatural, isNumber, isString, listOf, optional, shape } from '../../updates/checks.ts';
import type { Storage } from '../storage.ts';
import { restoreApplied, type StoredApplied, toStoredApplied } from './stored-item.ts';
import { isUpdate } from './stored-outbox.ts';

/** In connected time: while offline, the device cannot detect that the server has lost something. */
const keepMs = 10 * 60_000;
const maxKept = 1000;
/** In characters, so that kept updates leave room for the outbox in a browser's localStorage (5 MiB in all). */
const maxLength = 400_000;
const maxChunkUpdates = 20;
const maxChunkLength = 8000;
/** A chunk takes updates for this long, and the connected time is saved as often. */
const chunkMs = 60_000;

interface Chunk {
  readonly number: number;
  /** In connected time. */
  readonly startedAt: number;
  lastAt: number;
  items: Item[];
  length: number;
  isSaved: boolean;
}

interface StoredChunk {
  readonly startedAt: number;
  readonly lastAt: number;
  readonly updates: readonly StoredApplied[];
}

interface Index {
  /** The number of the first chunk. */
  readonly first: number;
  /** The number of the next chunk. */
  readonly next: number;
  /** The connected time in ms. */
  readonly connected: number;
}

const indexKey = 'applied';
const chunkKey = (number: number) => `applied/${number}`;
const isIndex = shape({ first: isNatural, next: isNatural, connected: isNumber });
const isChunk = shape({
  startedAt: isNumber,
  lastAt: isNumber,
  updates: listOf(
    shape({
      update: isUpdate,
      version: isNatural,
      cursor: (value) => isString(value) && isCursor(value),
      device: optional(isString),
      key: optional(isString),
    }),
  ),
});

export interface KeptUpdatesDeps {
  readonly storage: Storage;
  /** Called with the key of a value that is damaged. */
  readonly onDamage: (key: string) => void;
}

export class KeptUpdates {
  readonly #deps: KeptUpdatesDeps;
  #chunks: Chunk[] = [];
  #nextNumber = 1;
  #connectedMs = 0;
  #saved: Index = { first: 1, next: 1, connected: 0 };
  #removed: number[] = [];

  constructor(deps: KeptUpdatesDeps) {
    this.#deps = deps;
  }

  /** The oldest first. */
  get items(): readonly Item[] {
    return this.#chunks.flatMap(({ items }) => items);
  }

  /** Never rejects. */
  async load(): Promise<void> {
    const index = await this.#read<Index>(indexKey, isIndex);
    if (!index) return;
    const { next, connected } = index;
    this.#saved = index;
    this.#nextNumber = next;
    this.#connectedMs = connected;
    const count = Math.min(maxKept, Math.max(0, next - index.first));
    const numbers = Array.from({ length: count }, (_, offset) => next - count + offset);
    const chunks = await Promise.all(numbers.map((number) => this.#read<StoredChunk>(chunkKey(number), isChunk)));
    this.#chunks = chunks.flatMap((chunk, offset) => (chunk ? restoreChunk(numbers[offset] ?? 0, chunk) : []));
  }

  add(item: Item): void {
    const chunk = this.#openChunk();
    chunk.items.push(item);
    chunk.length += JSON.stringify(item.entry.update).length;
    chunk.lastAt = this.#connectedMs;
    chunk.isSaved = false;
    this.#dropOldest();
  }

  remove(items: ReadonlySet<Item>): void {
    for (const chunk of this.#chunks) {
      const remaining = chunk.items.filter((item) => !items.has(item));
      if (remaining.length === chunk.items.length) continue;
      chunk.items = remaining;
      chunk.isSaved = false;
    }
  }

  /** @returns whether there is something to write */
  addConnectedTime(ms: number): boolean {
    if (this.#chunks.length === 0) return false;
    this.#connectedMs += ms;
    this.#dropOldest();
    return this.#removed.length > 0 || this.#connectedMs - this.#saved.connected >= chunkMs;
  }

  /** Writes what has changed since the last call. Never rejects: failed writes are retried by a later call. */
  async write(): Promise<void> {
    const { storage } = this.#deps;
    this.#chunks = this.#chunks.filter((chunk) => chunk.items.length > 0 || !this.#removed.push(chunk.number));
    const removed = this.#removed.splice(0);
    const changed = this.#chunks.filter(({ isSaved }) => !isSaved);
    for (const chunk of changed) chunk.isSaved = true;
    await Promise.all([
      ...removed.map((number) => storage.remove(chunkKey(number)).catch(() => undefined)),
      ...changed.map((chunk) =>
        storage.set(chunkKey(chunk.number), serialize(chunk)).catch(() => {
          chunk.isSaved = false;
        }),
      ),
    ]);
    const next = this.#nextNumber;
    const index = { first: this.#chunks[0]?.number ?? next, next, connected: this.#connectedMs };
    const { first, connected } = this.#saved;
    if (index.first === first && next === this.#saved.next && index.connected - connected < chunkMs) return;
    await storage.set(indexKey, JSON.stringify(index)).then(
      () => {
        this.#saved = index;
      },
      () => undefined,
    );
  }

  /** @returns undefined if there is no such value, or if it is damaged */
  async #read<T>(key: string, isValid: (value: unknown) => boolean): Promise<T | undefined> {
    const { storage, onDamage } = this.#deps;
    const text = await storage.get(key).catch(() => '');
    if (text === null) return undefined;
    const value: unknown = parseJson(text);
    if (isValid(value)) return value as T;
    onDamage(key);
    return undefined;
  }

  #openChunk(): Chunk {
    const last = this.#chunks.at(-1);
    const isOpen =
      last &&
      last.items.length < maxChunkUpdates &&
      last.length < maxChunkLength &&
      this.#connectedMs - last.startedAt < chunkMs;
    if (isOpen) return last;
    const now = this.#connectedMs;
    const chunk = { number: this.#nextNumber, startedAt: now, lastAt: now, items: [], length: 0, isSaved: false };
    this.#nextNumber += 1;
    this.#chunks.push(chunk);
    return chunk;
  }

  #dropOldest(): void {
    let [count, length] = [0, 0];
    for (const chunk of this.#chunks) {
      count += chunk.items.length;
      length += chunk.length;
    }
    for (;;) {
      const [oldest] = this.#chunks;
      const isOld = oldest && this.#connectedMs - oldest.lastAt >= keepMs;
      if (!oldest || !(isOld || count > maxKept || length > maxLength)) return;
      count -= oldest.items.length;
      length -= oldest.length;
      this.#chunks.shift();
      this.#removed.push(oldest.number);
    }
  }
}

function serialize({ startedAt, lastAt, items }: Chunk): string {
  return JSON.stringify({ startedAt, lastAt, updates: items.flatMap((item) => toStoredApplied(item) ?? []) });
}

function restoreChunk(number: number, { startedAt, lastAt, updates }: StoredChunk): Chunk {
  const { length } = JSON.stringify(updates);
  return { number, startedAt, lastAt, items: updates.map(restoreApplied), length, isSaved: true };
}

/**
 * The own updates that are not settled, in the order of their counters.
 *
 * Invariants: counters rise along the list and are never given twice; whoever sends waits until what is sent is kept under
 * the counter that it is sent with.
 */
import type { UpdateResult } from '../../shared/contract/receipt.ts';
import type { Update } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { OutboxEntry } from '../types.ts';
import type { OutboxStore, StoredEntry } from './outbox-store.ts';

type WithoutOrigin<Each> = Each extends Update ? Omit<Each, 'counter' | 'timestamp' | 'seen' | 'clock'> : never;
/** What an update does, before it is numbered. */
export type Change = WithoutOrigin<Update>;

interface Item {
  entry: OutboxEntry;
  /** In the store; 0 until that is loaded. */
  place: number;
  readonly wall: number;
  readonly above: number;
  /** Nobody can have sent it under its counter: not this process, and none that the storage was copied from. */
  isNew: boolean;
  /** Its counter was given by this process, above all that the server knew: what has that counter is this update. */
  isFirm: boolean;
  isStamped: boolean;
  /** To be sent, for the first time or again. */
  isDue: boolean;
}

/** How many that a delta has settled are remembered, should it have told of another's. */
const maxTold = 200;

interface OutboxDeps {
  readonly store: OutboxStore;
  readonly clock: HybridClock;
  readonly onChange: (entry: OutboxEntry) => void;
}

export class Outbox {
  readonly #store: OutboxStore;
  readonly #clock: HybridClock;
  readonly #onChange: (entry: OutboxEntry) => void;
  #items: Item[] = [];
  #isLoaded = false;
  #made = 0;
  /** The highest counter given, and the highest that may have been sent. */
  #counter = 0;
  #sentCounter = 0;
  #sentTimestamp = 0;
  /** Somebody else sends under this device's name (a token that was copied): what a counter stands for, only an answer says. */
  #isShared = false;
  /** Settled by deltas lately, by counter. */
  readonly #told = new Map<number, Item>();
  #entries: readonly OutboxEntry[] | undefined;

  constructor({ store, clock, onChange }: OutboxDeps) {
    this.#store = store;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Reads what was kept. What was added before takes its place behind that. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    const { counter, entries } = await this.#store.load();
    const early = this.#items;
    this.#isLoaded = true;
    this.#counter = counter;
    this.#sentCounter = counter;
    this.#items = [...entries.map(toItem), ...early];
    for (const item of early) {
      item.place = this.#store.nextPlace();
      this.#number(item);
    }
    this.#entries = undefined;
  }

  get entries(): readonly OutboxEntry[] {
    this.#entries ??= this.#items.map(({ entry }) => entry);
    return this.#entries;
  }

  get pending(): number {
    return this.#items.filter(isUnsettled).length;
  }

  get hasDue(): boolean {
    return this.#items.some(({ isDue }) => isDue);
  }

  /** Whether only an answer to these can tell what becomes of one of them. */
  needsResults(updates: readonly Update[]): boolean {
    const items = this.#find(updates.map(({ counter }) => counter));
    return this.#isShared || items.some(({ entry, isFirm }) => !isFirm || entry.status === 'accepted');
  }

  /** The own updates that a state of this version does not hold. */
  pendingAt(version: number): Update[] {
    return this.#items
      .filter((item) => isUnsettled(item) || (item.entry.version ?? 0) > version)
      .map(({ entry }) => entry.update);
  }

  add(change: Change, seen: number): OutboxEntry {
    const above = this.#clock.highestTimestamp;
    const timestamp = this.#clock.nextTimestamp();
    this.#counter += 1;
    this.#made += 1;
    const update = { ...change, counter: this.#counter, timestamp, seen } as Update;
    const entry: OutboxEntry = { key: `new-${this.#made}`, counter: this.#counter, update, status: 'queued' };
    const place = this.#isLoaded ? this.#store.nextPlace() : 0;
    const item = {
      entry,
      place,
      wall: this.#clock.wallTime(),
      above,
      isNew: true,
      isFirm: true,
      isStamped: false,
      isDue: true,
    };
    this.#items.push(item);
    this.#keep(item);
    this.#say(item);
    return entry;
  }

  /** What is due, from the front: at most `maxCount` updates, of at most `maxLength` together unless one alone has more. */
  nextBatch(maxCount: number, maxLength: number): Update[] {
    const updates: Update[] = [];
    let length = 0;
    for (const item of this.#items) {
      if (!item.isDue) continue;
      this.#stamp(item);
      length += JSON.stringify(item.entry.update).length + 1;
      if (updates.length === maxCount || (updates.length > 0 && length > maxLength)) break;
      item.isNew = false;
      this.#sentCounter = Math.max(this.#sentCounter, item.entry.counter);
      updates.push(item.entry.update);
    }
    return updates;
  }

  /** The server will not lose them; what becomes of them is told later. */
  markAccepted(counters: readonly number[]): void {
    for (const item of this.#find(counters)) {
      item.isDue = false;
      if (item.entry.status === 'queued') this.#change(item, { status: 'accepted' });
    }
  }

  /** Sends all again that is accepted: what became of it may have been told while nobody listened. */
  resendAccepted(): void {
    for (const item of this.#items) if (item.entry.status === 'accepted') item.isDue = true;
  }

  /**
   * Notes what became of updates.
   * @param isAnswer they were compared with what was sent. A delta names a counter only, and that of an outbox which was
   * kept may stand for another update by now (a restored backup)
   * @returns whether counters turned out to be used. What was not applied is queued again under new counters, and with it
   * what was made later and is still here, so that their order stays; what may not have been, is asked for
   */
  settle(results: readonly UpdateResult[], isAnswer: boolean): boolean {
    const hasDoubts = !isAnswer && this.#doubt(results);
    const byCounter = new Map(results.map((result) => [result.counter, result]));
    const isToldOf = (item: Item) => item.isFirm && !item.isNew && !this.#isShared;
    const isMeant = (item: Item) => isUnsettled(item) && (isAnswer || isToldOf(item));
    const resultOf = (item: Item) => (isMeant(item) ? byCounter.get(item.entry.counter) : undefined);
    const isReused = (item: Item) => resultOf(item)?.outcome === 'reused';
    const hasReused = this.#items.some(isReused);
    if (hasReused) this.#renumber((item) => isReused(item) || (isUnsettled(item) && item.isNew));
    for (const item of this.#items) {
      const result = resultOf(item);
      if (!result || result.outcome === 'reused') continue;
      const { outcome, version, resolution } = result;
      item.isDue = false;
      const status = outcome === 'conflict' ? 'conflict' : 'applied';
      this.#change(item, { status, outcome, version, resolution });
      this.#store.remove(item.place);
      if (!isAnswer) this.#remember(item);
    }
    return hasReused || hasDoubts;
  }

  #remember(item: Item): void {
    this.#told.set(item.entry.counter, item);
    const [oldest] = this.#told.keys();
    if (this.#told.size > maxTold && oldest !== undefined) this.#told.delete(oldest);
  }

  /**
   * A delta says that a counter was used twice, but not whose update it was that was applied: that of this outbox is sent
   * once more, even when it seemed to be settled, and the answer tells.
   * @returns whether there are such
   */
  #doubt(results: readonly UpdateResult[]): boolean {
    const reused = results.filter(({ outcome }) => outcome === 'reused').map(({ counter }) => counter);
    const sent = this.#find(reused).filter(({ isFirm, isNew }) => isFirm && !isNew);
    const told = reused.flatMap((counter) => this.#told.get(counter) ?? []);
    for (const item of told) {
      this.#told.delete(item.entry.counter);
      item.place = this.#store.nextPlace();
      if (!this.#items.includes(item)) this.#items.push(item);
      this.#change(item, { status: 'queued', outcome: undefined, version: undefined, resolution: undefined });
      this.#keep(item);
    }
    this.#items.sort((a, b) => a.entry.counter - b.entry.counter);
    for (const item of [...sent, ...told]) {
      item.isFirm = false;
      item.isDue = true;
    }
    const hasDoubts = sent.length + told.length > 0;
    this.#isShared ||= hasDoubts;
    return hasDoubts;
  }

  /** Drops what is settled, and held by a state of this version. */
  dropSettled(version: number): void {
    const isHeld = ({ entry: { status, version: at = 0 } }: Item) =>
      (status === 'applied' || status === 'conflict') && at <= version;
    if (!this.#items.some(isHeld)) return;
    this.#items = this.#items.filter((item) => !isHeld(item));
    this.#entries = undefined;
  }

  /** Sets an update aside that can never be applied. */
  refuse(counter: number, reason: string): void {
    for (const item of this.#find([counter])) {
      item.isDue = false;
      this.#change(item, { status: 'refused', reason });
      this.#keep(item);
    }
  }

  discard(key: string): void {
    const item = this.#items.find(({ entry }) => entry.key === key && entry.status === 'refused');
    if (!item) return;
    this.#items = this.#items.filter((other) => other !== item);
    this.#entries = undefined;
    this.#store.remove(item.place);
  }

  /**
   * The server knows this device up to a counter. When that is above all that was sent from here, the storage is older than
   * the device (a restored backup): new counters start above it, and so do those of updates that nobody has sent yet.
   * What is older is sent as it is: the server tells what it knows from what only has the same counter.
   * @returns whether that was so
   */
  skipTo(counter: number): boolean {
    if (counter <= this.#sentCounter) return false;
    this.#counter = Math.max(this.#counter, counter);
    this.#renumber((item) => item.isNew && isUnsettled(item));
    return true;
  }

  #renumber(matches: (item: Item) => boolean): void {
    for (const item of this.#items.filter(matches)) this.#number(item);
    this.#items.sort((a, b) => a.entry.counter - b.entry.counter);
  }

  #number(item: Item): void {
    this.#counter += 1;
    item.isNew = true;
    item.isFirm = true;
    item.isDue = true;
    const counter = this.#counter;
    this.#change(item, { counter, update: { ...item.entry.update, counter }, status: 'queued' });
    this.#keep(item);
  }

  /** Before its first sending, an update's timestamp follows what has been learned of the server's clock since it was made. */
  #stamp(item: Item): void {
    if (item.isStamped) return;
    const { update } = item.entry;
    const timestamp = this.#clock.restamp(item.wall, Math.max(item.above, this.#sentTimestamp));
    item.isStamped = true;
    this.#sentTimestamp = timestamp;
    if (timestamp === update.timestamp) return;
    item.entry = { ...item.entry, update: { ...update, timestamp } };
    this.#entries = undefined;
  }

  #keep({ entry: { update, reason }, place, wall, above }: Item): void {
    if (this.#isLoaded) this.#store.save({ place, update, wall, above, reason });
  }

  #change(item: Item, change: Partial<OutboxEntry>): void {
    item.entry = { ...item.entry, ...change };
    this.#say(item);
  }

  #say({ entry }: Item): void {
    this.#entries = undefined;
    this.#onChange(entry);
  }

  #find(counters: readonly number[]): Item[] {
    const wanted = new Set(counters);
    return this.#items.filter((item) => isUnsettled(item) && wanted.has(item.entry.counter));
  }
}

function isUnsettled({ entry: { status } }: Item): boolean {
  return status === 'queued' || status === 'accepted';
}

function toItem({ place, update, wall, above, reason }: StoredEntry): Item {
  const standing = reason === undefined ? ({ status: 'queued' } as const) : ({ status: 'refused', reason } as const);
  const entry: OutboxEntry = { key: `kept-${place}`, counter: update.counter, update, ...standing };
  return { entry, place, wall, above, isNew: false, isFirm: false, isStamped: false, isDue: reason === undefined };
}

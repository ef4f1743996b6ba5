/**
 * The slots of a storage that tabs share: each has its own device and outbox. A slot is used only under its locks, which are never
 * stolen, so that no two pages number updates of one device, even if a leader hangs.
 */
import { isPending } from '../outbox/entry-state.ts';
import { namespace } from '../storage/persistence/open-persistence.ts';
import { OutboxStore } from '../storage/persistence/outbox-store.ts';
import { asReadOnly, prefixKeys } from '../storage/persistence/prefixed-keys.ts';
import { entryKey, headCopyKey, headKey } from '../storage/persistence/stored-outbox.ts';
import type { Storage } from '../storage/storage.ts';
import { slotLock } from '../storage/tab-slots.ts';
import type { OutboxEntry } from '../types.ts';
import { type HeldLock, type LockManagerLike, tryLock, waitForLock } from './locks.ts';
import type { StoredEdits } from './stored-edits.ts';

const termKey = 'term';
const storedEditsKey = 'tab-edits';
/** Slot numbers may have gaps: the search ends after this many unused ones. */
const maxGap = 10;

export interface SlotsOptions {
  readonly locks: LockManagerLike;
  /** The prefix of the locks that only leaders of this field and storage use. */
  readonly name: string;
  /** The storage that all tabs share. */
  readonly whole: Storage;
  readonly field: string;
  /** Addresses that version 0.1.0 may have stored an outbox under. */
  readonly addresses: readonly string[];
}

export interface Slot {
  readonly index: number;
  readonly storage: Storage;
  /** The term of the last leader that has used it; 0 without one. */
  readonly term: number;
  /** Whether updates wait in it. */
  readonly hasUnsent: boolean;
  /** Those updates, as far as they can be shown. */
  readonly unsent: readonly OutboxEntry[];
}

export interface FoundSlots {
  readonly own: Slot;
  /** Others that have been used. Another page may hold their locks. */
  readonly others: readonly Slot[];
  /** Terms of other leaders that still hold their slot. */
  readonly openTerms: readonly number[];
}

export class Slots {
  readonly #options: SlotsOptions;
  readonly #held = new Map<string, HeldLock>();

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /**
   * Acquires the first free slot, and reads all others.
   * @param stored collects the edits of tabs that are stored in any slot
   * @param patienceMs how long to wait for another leader's slot: a crashed page releases its locks one after the other
   */
  async find(stored: StoredEdits, patienceMs: number): Promise<FoundSlots> {
    let own: Slot | undefined;
    const others: Slot[] = [];
    const openTerms: number[] = [];
    for (let index = 0, gap = 0; !own || gap < maxGap; index += 1, gap += 1) {
      const isFree = await this.#tryHold(this.#leaderLock(index), { patienceMs });
      const { slot, isUsed } = await this.#read(index, stored);
      if (isUsed) gap = 0;
      if (!isFree) {
        openTerms.push(slot.term);
        others.push(slot);
        continue;
      }
      const isNeeded = !own || isUsed;
      // Clients that are not shared between tabs lock a slot exclusively, whichever storage they use.
      const isBusy = isNeeded && !(await this.#tryHold(slotLock(index), { mode: 'shared' }));
      if (isBusy && isUsed) others.push({ ...slot, unsent: [] });
      else if (!own && !isBusy) own = slot;
      else if (isUsed) others.push(slot);
      else this.#release(this.#leaderLock(index));
    }
    return { own, others, openTerms };
  }

  /** Waits until no other page uses a slot. @returns its contents at that time */
  async acquire({ index }: Slot, stored: StoredEdits, signal: AbortSignal): Promise<Slot> {
    const { locks } = this.#options;
    for (const [name, mode] of [[this.#leaderLock(index)], [slotLock(index), 'shared']] as const) {
      if (!this.#held.has(name)) this.#held.set(name, await waitForLock(locks, name, { mode, signal }));
    }
    return (await this.#read(index, stored)).slot;
  }

  release({ index }: Slot): void {
    for (const name of [slotLock(index), this.#leaderLock(index)]) this.#release(name);
  }

  releaseAll(): void {
    for (const name of [...this.#held.keys()]) this.#release(name);
  }

  async markTerm(slot: Slot, term: number): Promise<void> {
    await this.#ofField(slot.storage).set(termKey, String(term));
  }

  async saveStored(slot: Slot, stored: StoredEdits): Promise<void> {
    await this.#ofField(slot.storage).set(storedEditsKey, stored.toText());
  }

  #leaderLock(index: number): string {
    return `${this.#options.name}/slot/${index}`;
  }

  async #tryHold(name: string, { mode, patienceMs = 0 }: { mode?: 'shared'; patienceMs?: number }): Promise<boolean> {
    const { locks } = this.#options;
    const lock = (await tryLock(locks, name, mode)) ?? (patienceMs > 0 && (await waitAWhile(locks, name, patienceMs)));
    if (lock) this.#held.set(name, lock);
    return Boolean(lock);
  }

  #release(name: string): void {
    this.#held.get(name)?.release();
    this.#held.delete(name);
  }

  #ofField(storage: Storage): Storage {
    return prefixKeys(storage, `${namespace}/${this.#options.field}`);
  }

  /** Writes nothing, since another page may use the slot at the same time. */
  async #read(index: number, stored: StoredEdits): Promise<{ slot: Slot; isUsed: boolean }> {
    const { whole, field, addresses } = this.#options;
    const storage = prefixKeys(whole, String(index));
    const own = this.#ofField(storage);
    const keys = [termKey, headKey, headCopyKey, entryKey(1)];
    const [term = null, ...parts] = await Promise.all(keys.map((key) => own.get(key).catch(() => null)));
    const formers = addresses.map((address) => prefixKeys(storage, `${address}/${field}`));
    const heads = formers.map((former) => former.get(headKey).catch(() => null));
    const hasFormer = (await Promise.all(heads)).some((head) => head !== null);
    const hasOutbox = parts.some((text) => text !== null);
    // An unreadable outbox is reported by the client that opens it.
    const unsent = hasOutbox ? await readOutbox(own, stored).catch(() => undefined) : [];
    stored.addText(await own.get(storedEditsKey).catch(() => null));
    const hasUnsent = hasFormer || unsent?.length !== 0;
    const slot = { index, storage, term: Number(term) || 0, hasUnsent, unsent: unsent ?? [] };
    return { slot, isUsed: term !== null || hasOutbox || hasFormer };
  }
}

/** @returns the updates to be sent */
async function readOutbox(storage: Storage, stored: StoredEdits): Promise<OutboxEntry[]> {
  const store = new OutboxStore({ storage: asReadOnly(storage), onDamage: () => undefined });
  const { items } = await store.load(undefined, Number.POSITIVE_INFINITY);
  for (const { ownKey } of [...items, ...store.kept]) if (ownKey !== undefined) stored.add(ownKey);
  return items.flatMap(({ state, entry }) => (isPending(state) ? entry : []));
}

async function waitAWhile(locks: LockManagerLike, name: string, ms: number): Promise<HeldLock | undefined> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ms);
  return waitForLock(locks, name, { signal: abort.signal })
    .catch(() => undefined)
    .finally(() => clearTimeout(timer));
}

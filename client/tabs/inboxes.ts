/** The inboxes of the tabs: each has the edits that its tab has not delivered to the leader, under a number that the tab has locked. */

import type { Item } from '../outbox/outbox-item.ts';
import { namespace } from '../storage/persistence/open-persistence.ts';
import { OutboxStore } from '../storage/persistence/outbox-store.ts';
import { asReadOnly, prefixKeys } from '../storage/persistence/prefixed-keys.ts';
import { entryKey, headKey } from '../storage/persistence/stored-outbox.ts';
import type { Storage } from '../storage/storage.ts';
import { type HeldLock, type LockManagerLike, tryLock, waitForLock } from './locks.ts';

/** The search ends after this many consecutive inboxes that were never used. */
const maxGap = 10;

export interface Inbox {
  readonly number: number;
  readonly store: OutboxStore;
  readonly lock: HeldLock;
}

interface InboxesOptions {
  readonly locks: LockManagerLike;
  readonly name: string;
  readonly whole: Storage;
  readonly field: string;
}

export class Inboxes {
  readonly #options: InboxesOptions;

  constructor(options: InboxesOptions) {
    this.#options = options;
  }

  /** Acquires the first one that no other tab uses. It may contain edits of a closed tab. */
  async acquire(): Promise<Inbox> {
    for (let number = 0; ; number += 1) {
      const lock = await tryLock(this.#options.locks, this.#lockName(number));
      if (lock) return this.#open(number, lock);
    }
  }

  /** The inboxes with edits. Read-only, since their tabs may be open or closing. */
  async findUsed(): Promise<{ readonly number: number; readonly items: readonly Item[] }[]> {
    const found = [];
    for (let number = 0, gap = 0; gap < maxGap; number += 1, gap += 1) {
      const storage = this.#storage(number);
      const values = await Promise.all([headKey, entryKey(1)].map((key) => storage.get(key)));
      if (values.every((value) => value === null)) continue;
      gap = 0;
      const store = new OutboxStore({ storage: asReadOnly(storage), onDamage: () => undefined });
      found.push({ number, items: await readItems(store) });
    }
    return found;
  }

  /** Waits until the inbox's tab is closed. @throws when the signal is aborted first */
  async waitFor(number: number, signal: AbortSignal): Promise<Inbox> {
    return this.#open(number, await waitForLock(this.#options.locks, this.#lockName(number), { signal }));
  }

  #lockName(number: number): string {
    return `${this.#options.name}/inbox/${number}`;
  }

  #storage(number: number): Storage {
    return prefixKeys(this.#options.whole, `tabs/${namespace}/${this.#options.field}/${number}`);
  }

  #open(number: number, lock: HeldLock): Inbox {
    return { number, lock, store: new OutboxStore({ storage: this.#storage(number), onDamage: () => undefined }) };
  }
}

/** @returns its edits, except those without a key, which could not be deduplicated */
export async function readItems(store: OutboxStore): Promise<Item[]> {
  const { items } = await store.load(undefined, Number.POSITIVE_INFINITY);
  return items.filter(({ ownKey }) => ownKey !== undefined);
}

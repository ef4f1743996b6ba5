/**
 * The edits of this tab that no leader has stored yet. They are also stored in the tab's inbox, from which the leader takes them
 * when the tab is gone.
 */
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import { createItem, type Item } from '../outbox/outbox-item.ts';
import type { OutboxStore } from '../storage/persistence/outbox-store.ts';
import type { OutboxEntry } from '../types.ts';
import type { UpdateContent } from '../updates/update-content.ts';
import type { Edit } from './messages.ts';

interface OwnEdit {
  readonly item: Item;
  /** The term of the leader that it was last sent to; `unknown` if another tab may have sent it. */
  sentTo: number | 'unknown' | undefined;
}

export class OwnEdits {
  readonly #tab: string;
  readonly #clock: HybridClock;
  #edits: OwnEdit[] = [];
  #count = 0;
  #store: OutboxStore | undefined;

  /** @param tab an id that no other tab has */
  constructor(tab: string, clock: HybridClock) {
    this.#tab = tab;
    this.#clock = clock;
  }

  get entries(): readonly OutboxEntry[] {
    return this.#edits.map(({ item }) => item.entry);
  }

  /** @param counter a guess, until the leader assigns one */
  add(content: UpdateContent, seen: Cursor, counter: number, account: string | undefined): OutboxEntry {
    this.#count += 1;
    const key = `${this.#tab}.${this.#count}`;
    const options = { key, ownKey: key, counter, seen, clock: this.#clock, identity: { device: undefined, account } };
    const item = createItem(content, options);
    this.#edits.push({ item, sentTo: undefined });
    this.#store?.save([item]);
    return item.entry;
  }

  /** Stores edits in an inbox from now on. The edits already in it become this tab's. */
  async open(store: OutboxStore): Promise<void> {
    const { items } = await store.load(undefined, Number.POSITIVE_INFINITY);
    const keys = new Set(items.map(({ ownKey }) => ownKey));
    const restored = items.map((item) => ({ item, sentTo: 'unknown' as const }));
    const others = this.#edits.filter(({ item }) => !keys.has(item.ownKey));
    // Their positions in a former inbox are invalid here.
    for (const { item } of others) item.position = 0;
    store.save(others.map(({ item }) => item));
    this.#edits = [...restored, ...others];
    this.#store = store;
  }

  /** Resolves when unconfirmed edits are stored in the inbox, or the write has failed. */
  async close(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.flush();
  }

  /** Removes edits that a leader has stored. @returns whether any was this tab's */
  confirm(keys: readonly string[]): boolean {
    const confirmed = new Set(keys);
    const isConfirmed = ({ item }: OwnEdit) => confirmed.has(item.entry.key);
    const found = this.#edits.filter(isConfirmed);
    for (const { item } of found) this.#store?.remove(item);
    if (found.length > 0) this.#edits = this.#edits.filter((edit) => !isConfirmed(edit));
    return found.length > 0;
  }

  /**
   * The edits to send to a leader. Those sent to an earlier leader are sent again once it can no longer store them.
   * @param isRepeated whether edits already sent to this leader are sent again
   */
  takeDue(term: number, openTerms: readonly number[], isRepeated: boolean): Edit[] {
    const isDue = ({ sentTo }: OwnEdit) => {
      if (sentTo === 'unknown') return openTerms.length === 0;
      return sentTo === undefined || (sentTo === term ? isRepeated : !openTerms.includes(sentTo));
    };
    const due = this.#edits.filter(isDue);
    for (const edit of due) edit.sentTo = term;
    return due.map(({ item }) => toEdit(item));
  }
}

export function toEdit({ entry, createdAt, account }: Item): Edit {
  const { counter, timestamp, seen, clock, ...content } = entry.update as SentUpdate & { seen: Cursor };
  return { key: entry.key, content: content as UpdateContent, seen, createdAt, account };
}

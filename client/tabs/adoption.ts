/**
 * What a leader takes over from closed pages: edits in the inboxes of tabs, and the outboxes of other slots. Each outbox is sent by
 * its own client, as the device that numbered its updates.
 */
import { createFieldClient } from '../field-client.ts';
import type { FieldClientOptions } from '../options.ts';
import { persistentStorage } from '../storage/persistent-storage.ts';
import type { OutboxEntry } from '../types.ts';
import { type Inbox, type Inboxes, readItems } from './inboxes.ts';
import type { Edit } from './messages.ts';
import { toEdit } from './own-edits.ts';
import type { Slot, Slots } from './slots.ts';
import type { StoredEdits } from './stored-edits.ts';

export interface AdoptionDeps {
  readonly options: FieldClientOptions;
  readonly slots: Slots;
  readonly inboxes: Inboxes;
  readonly stored: StoredEdits;
  readonly openTerms: readonly number[];
  readonly others: readonly Slot[];
  /** Adds edits to the outbox. @returns whether all of them are stored */
  readonly accept: (edits: readonly Edit[]) => Promise<boolean>;
  /** `openTerms` or `entries` have changed. */
  readonly onChange: () => void;
  /** An update of another slot was settled or refused. */
  readonly onSettled: (entry: OutboxEntry) => void;
}

export class Adoption {
  readonly #deps: AdoptionDeps;
  readonly #abort = new AbortController();
  readonly #watched = new Set<number>();
  #openTerms: readonly number[];
  /** By slot. */
  readonly #unsent = new Map<number, readonly OutboxEntry[]>();
  /** The edits that were in inboxes at the start. */
  #inInboxes: readonly OutboxEntry[] = [];
  #work: readonly Promise<void>[] = [];
  #waiting: (() => void)[] = [];

  constructor(deps: AdoptionDeps) {
    this.#deps = deps;
    this.#openTerms = deps.openTerms;
    for (const slot of deps.others) this.#show(slot.index, slot.unsent);
  }

  /** Updates that wait in other slots, and edits in inboxes that are not in the outbox yet. */
  get entries(): readonly OutboxEntry[] {
    const inInboxes = this.#inInboxes.filter(({ key }) => !this.#deps.stored.has(key));
    return [...[...this.#unsent.values()].flat(), ...inInboxes];
  }

  /** Terms of other leaders that may still store edits. */
  get openTerms(): readonly number[] {
    return this.#openTerms;
  }

  /** Resolves when `entries` is complete; before that, an app could wrongly see nothing pending. */
  async start(): Promise<void> {
    for (const slot of this.#deps.others) this.#run(() => this.#adoptSlot(slot));
    const used = await this.#deps.inboxes.findUsed().catch(() => []);
    this.#inInboxes = used.flatMap(({ items }) => items.map(({ entry }) => entry));
    for (const { number } of used) this.watch(number);
  }

  /** Takes over the edits of a tab when it is closed. A tab that is closing does not announce itself. */
  watch(number: number): void {
    if (this.#watched.has(number)) return;
    this.#watched.add(number);
    this.#run(async () => {
      const inbox = await this.#deps.inboxes.waitFor(number, this.#abort.signal);
      this.#watched.delete(number);
      await this.#adoptInbox(inbox);
    });
  }

  /** Resolves when nothing is sent any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    for (const resume of this.#waiting) resume();
    await Promise.all(this.#work);
  }

  /** Failed work is left to the next leader. */
  #run(work: () => Promise<void>): void {
    if (this.#abort.signal.aborted) return;
    const running = work().catch(() => undefined);
    this.#work = [...this.#work, running];
    void running.then(() => {
      this.#work = this.#work.filter((other) => other !== running);
    });
  }

  async #adoptSlot(found: Slot): Promise<void> {
    const { slots, stored, onChange } = this.#deps;
    const slot = await slots.acquire(found, stored, this.#abort.signal);
    try {
      this.#openTerms = this.#openTerms.filter((term) => term !== found.term && term !== slot.term);
      if (this.#openTerms.length === 0) for (const resume of this.#waiting.splice(0)) resume();
      this.#show(slot.index, slot.unsent);
      onChange();
      if (slot.hasUnsent && !this.#abort.signal.aborted) await this.#sendUnsent(slot);
      this.#show(slot.index, []);
      onChange();
    } finally {
      slots.release(slot);
    }
  }

  #show(slot: number, entries: readonly OutboxEntry[]): void {
    this.#unsent.set(
      slot,
      entries.map((entry) => toShown(slot, entry)),
    );
  }

  async #sendUnsent({ index, storage }: Slot): Promise<void> {
    const { prediction, ...options } = this.#deps.options;
    const client = createFieldClient({ ...options, storage: persistentStorage(storage) });
    client.on('update', (entry) => {
      const isWaiting = entry.status === 'queued' || entry.status === 'accepted';
      if (!isWaiting) this.#deps.onSettled(toShown(index, entry));
      this.#show(
        index,
        client.outbox.filter(({ status }) => status !== 'refused'),
      );
      this.#deps.onChange();
    });
    // Until it is connected, its account may be unknown, and so may be which updates it has to send.
    const isDone = () => client.pending === 0 && (client.status === 'live' || client.status === 'polling');
    await client.start();
    await new Promise<void>((resolve) => {
      const check = () => {
        if (isDone() || this.#abort.signal.aborted) resolve();
      };
      for (const name of ['update', 'status', 'message'] as const) client.on(name, check);
      this.#abort.signal.addEventListener('abort', check);
      check();
    });
    await client.close();
  }

  /** Another leader that still runs may have some of the edits, so they wait until it ends. */
  async #adoptInbox({ store, lock }: Inbox): Promise<void> {
    const { accept } = this.#deps;
    try {
      if (this.#openTerms.length > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#abort.signal.aborted) return;
      const items = await readItems(store);
      if (!(await accept(items.map(toEdit)))) return;
      for (const item of items) store.remove(item);
      await store.flush();
    } finally {
      lock.release();
    }
  }
}

/** Keys that no tab assigned may also occur in other slots. */
function toShown(slot: number, entry: OutboxEntry): OutboxEntry {
  return entry.key.includes('.') ? entry : { ...entry, key: `slot-${slot}/${entry.key}` };
}

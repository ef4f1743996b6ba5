/**
 * Numbers updates anew whose counters are so far above the last one of the device that the server refuses them: the storage has
 * numbered the updates of another device before, or the server was restored from an old backup.
 */
import { maxCounterGap } from '../../shared/contract/wire.ts';
import type { AppliedItems } from './applied-items.ts';
import type { CounterSequence } from './counter-sequence.ts';
import { isAcknowledged, isPending } from './entry-state.ts';
import type { ItemList } from './item-list.ts';
import type { ItemStore } from './item-store.ts';
import type { OtherAccounts } from './other-accounts.ts';
import type { Identity, Item } from './outbox-item.ts';

interface FarCountersDeps {
  readonly list: ItemList;
  readonly store: ItemStore;
  readonly counters: CounterSequence;
  readonly applied: AppliedItems;
  readonly otherAccounts: OtherAccounts;
  readonly identity: () => Identity;
  readonly renumber: (matches: (item: Item) => boolean) => void;
}

export class FarCounters {
  readonly #deps: FarCountersDeps;

  constructor(deps: FarCountersDeps) {
    this.#deps = deps;
  }

  /**
   * An update that may have been sent gets another counter only if the server would not have taken it under the present one. If there are
   * others above `last`, they are sent first, since the server orders the updates of a device by their counters.
   * @param last the highest counter that the server has recorded for the present device, as which all pending updates are sent
   * @param includesAcknowledged whether to number acknowledged updates anew, of which the server may have lost all traces
   * @returns false if nothing was done because acknowledged updates may still wait in the server's queue
   */
  continueAbove(last: number, includesAcknowledged: boolean): boolean {
    const { list, store, counters, applied, otherAccounts, identity, renumber } = this.#deps;
    const isAbove = ({ entry }: Item, counter = last) => entry.counter > counter;
    const isFar = (item: Item) => isAbove(item, last + maxCounterGap);
    const findPending = () => list.all.filter((item) => isPending(item.state) && isAbove(item));
    if (counters.highest <= last + maxCounterGap && !findPending().some(isFar)) return true;
    // The server has lost these. Sent later, they would replace what was written after them.
    applied.resend(store.kept.filter((item) => item.device === identity().device && isAbove(item)));
    const pending = findPending();
    if (pending.some((item) => item.state !== 'queued' && !isFar(item))) return true;
    if (!includesAcknowledged && pending.some(({ state }) => isAcknowledged(state))) return false;
    const renumbered = new Set(pending);
    const others = [...list.all.filter((item) => !renumbered.has(item)), ...otherAccounts.items];
    const toCounters = (items: readonly Item[]) => items.map(({ entry }) => entry.counter);
    const counter = counters.continueAbove(last, new Set(toCounters([...others, ...store.kept])));
    store.lowerCounters(counter, Math.max(last, ...toCounters(others)));
    renumber((item) => renumbered.has(item));
    return true;
  }
}

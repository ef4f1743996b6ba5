/** The updates of accounts other than the present one: they stay in the storage, and are neither shown nor sent. */
import { isSettled } from './entry-state.ts';
import type { ItemList } from './item-list.ts';
import type { Item } from './outbox-item.ts';

export class OtherAccounts {
  readonly #list: ItemList;
  readonly #onSetAside: (count: number) => void;
  #items: readonly Item[] = [];

  /** @param onSetAside called with the number of updates that have left the list */
  constructor(list: ItemList, onSetAside: (count: number) => void) {
    this.#list = list;
    this.#onSetAside = onSetAside;
  }

  /** The updates of accounts other than the present one. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** Moves updates of other accounts out of the list, and those of the present account, or of none, back into it. */
  separate(account: string | undefined): void {
    const isForeign = (item: Item) => item.account !== undefined && item.account !== account;
    const leaving = this.#list.all.filter((item) => isForeign(item) && !isSettled(item.state));
    const returning = this.#items.filter((item) => !isForeign(item));
    this.#items = [...this.#items.filter(isForeign), ...leaving];
    this.#list.remove((item) => leaving.includes(item));
    if (returning.length > 0) this.#list.insert(returning);
    if (leaving.length > 0) this.#onSetAside(leaving.length);
  }
}

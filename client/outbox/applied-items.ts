/**
 * Own updates that the server has applied: on top of the server's state until that is known to contain them, and kept for
 * longer in case the server loses them.
 *
 * A version alone does not tell whether a state contains an update, since a failover may have lost the update's version and
 * given it to another. The evidence is a delta that names the update, or that the log has both cursors.
 */
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import { isSettled } from './entry-state.ts';
import type { ItemList } from './item-list.ts';
import type { ItemStore } from './item-store.ts';
import type { Identity, Item } from './outbox-item.ts';

/** An update that a delta contains. It may have been sent as the device that this one was before. */
type NamedUpdate = Pick<UpdateResult, 'counter' | 'version'> & { readonly device?: string };

export interface AppliedItemsDeps {
  readonly list: ItemList;
  readonly store: ItemStore;
  /** The device that updates are sent as, and the account of its token. */
  readonly identity: () => Identity;
  /** To be called when updates were made pending that may be of another account. */
  readonly separateAccounts: () => void;
}

export class AppliedItems {
  readonly #deps: AppliedItemsDeps;

  constructor(deps: AppliedItemsDeps) {
    this.#deps = deps;
  }

  /** @param cursor a cursor of a log that contains the update */
  add(item: Item, cursor: Cursor): void {
    const { store } = this.#deps;
    item.proof = cursor;
    store.keep(item);
    // Updates that were applied long ago are not expected in the state. A restore of an older backup may still lose them.
    if (item.entry.outcome === 'expired') this.#drop((each) => each === item);
    store.remove(item);
  }

  /**
   * Follows a delta that has advanced the server's state. It names every update in between, so that the state contains those
   * that are named, and the log has lost others.
   * @param updates the results of all that the delta contains; without `device`, they are of the present one
   * @returns whether updates were lost, so that they are due to be sent again
   */
  followDelta(from: number, to: number, updates: readonly NamedUpdate[]): boolean {
    const shown = this.shown;
    if (shown.length === 0) return false;
    const { device: present } = this.#deps.identity();
    const named = new Set(updates.map(({ device = present, counter, version }) => `${device} ${counter} ${version}`));
    const isNamed = ({ entry, device }: Item) => named.has(`${device} ${entry.counter} ${entry.version}`);
    const isCovered = ({ entry: { version = 0 } }: Item) => version > from && version <= to;
    this.#drop(isNamed);
    return this.resend(shown.filter((item) => isCovered(item) && !isNamed(item))) > 0;
  }

  /**
   * The server's state at this version contains the updates.
   * @param cursors only those with these cursors; otherwise all up to the version
   */
  confirm(version: number, cursors?: ReadonlySet<Cursor>): void {
    const isProven = ({ proof }: Item) => !cursors || (proof !== undefined && cursors.has(proof));
    this.#drop((item) => (item.entry.version ?? 0) <= version && isProven(item));
  }

  /**
   * Makes updates that the server may have lost pending again. They are sent under their counters, and the server compares them
   * with what it has. Those of another account wait until it is present again; of the present one, those that were sent as another
   * device are forgotten instead.
   * @returns how many
   */
  resend(items: readonly Item[]): number {
    if (items.length === 0) return 0;
    const { list, store, identity, separateAccounts } = this.#deps;
    const { device, account } = identity();
    const lost = new Set(items);
    store.forget(lost);
    this.#drop((item) => lost.has(item));
    const isOther = (item: Item) => item.account !== undefined && item.account !== account;
    const own = items.filter((item) => item.device === device || isOther(item));
    store.save(own);
    list.insert(own);
    for (const item of own)
      list.transition(item, 'lost', { outcome: undefined, version: undefined, resolution: undefined });
    if (own.some(isOther)) separateAccounts();
    return own.length;
  }

  resendAll(): number {
    return this.resend([...new Set([...this.shown, ...this.#deps.store.kept])]);
  }

  /** Those that the server's state is not known to contain. */
  get shown(): Item[] {
    return this.#deps.list.all.filter(({ state }) => isSettled(state));
  }

  #drop(matches: (item: Item) => boolean): void {
    this.#deps.list.remove((item) => isSettled(item.state) && matches(item));
  }
}

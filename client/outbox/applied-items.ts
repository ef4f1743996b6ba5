/**
 * Own updates that the server has applied. They are shown on top of the server's state until it is known to contain them, and kept
 * for longer in case the server loses them.
 *
 * A version alone does not prove that a state contains an update: a failover may have lost the update and reused its version. The
 * proof is a delta that names the update, or a log that contains both cursors.
 */
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import { isSettled } from './entry-state.ts';
import type { ItemList } from './item-list.ts';
import type { ItemStore } from './item-store.ts';
import type { Identity, Item } from './outbox-item.ts';

/** An update that a delta contains. It may have been sent under a former id of this device. */
type NamedUpdate = Pick<UpdateResult, 'counter' | 'version'> & { readonly device?: string };

export interface AppliedItemsDeps {
  readonly list: ItemList;
  readonly store: ItemStore;
  /** The device that updates are sent as, and the account of its token. */
  readonly identity: () => Identity;
  /** Called when updates that may belong to another account have become pending. */
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
    // An update applied long ago need not wait for the state to show it. A restore of an older backup may still lose it.
    if (item.entry.outcome === 'expired') this.#drop((each) => each === item);
    store.remove(item);
  }

  /**
   * Handles a delta that has advanced the server's state. It names every update in its range, so the state contains those named,
   * and the log has lost any others.
   * @param updates the results of all updates in the delta; those without `device` are this device's
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
   * Records that the server's state at this version contains the updates.
   * @param cursors only those with these cursors; otherwise all up to the version
   */
  confirm(version: number, cursors?: ReadonlySet<Cursor>): void {
    const isProven = ({ proof }: Item) => !cursors || (proof !== undefined && cursors.has(proof));
    this.#drop((item) => (item.entry.version ?? 0) <= version && isProven(item));
  }

  /**
   * Makes updates that the server may have lost pending again. They keep their counters, and the server compares them with its log.
   * Those of another account wait until it signs in again; those of this account that another device sent are dropped.
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

  /** The applied updates that the server's state is not known to contain. */
  get shown(): Item[] {
    return this.#deps.list.all.filter(({ state }) => isSettled(state));
  }

  #drop(matches: (item: Item) => boolean): void {
    this.#deps.list.remove((item) => isSettled(item.state) && matches(item));
  }
}

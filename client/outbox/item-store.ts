/** The persistence of an outbox's items. */
import type { Item } from './outbox-item.ts';

export interface LoadedItems {
  /** The highest counter assigned so far. */
  readonly counter: number;
  /** In any order. */
  readonly items: readonly Item[];
}

export interface ItemStore {
  /**
   * @param device the device of stored items that name none
   * @param version that of the stored state; only applied items of higher versions are loaded
   */
  load(device: string | undefined, version: number): Promise<LoadedItems>;
  /** Stores the current values of items, including items that were removed. */
  save(items: readonly Item[]): void;
  remove(item: Item): void;
  /** Records that updates up to this counter may have been sent. `flush` must resolve before they are sent. */
  markSent(counter: number): void;
  /**
   * Continues above a lower counter, under which new items are stored.
   * @param sent no item with a higher counter may have been sent
   */
  lowerCounters(counter: number, sent: number): void;
  /** Resolves when every write requested so far is done, or has failed. Never rejects. */
  flush(): Promise<void>;
  /** Retries failed writes. To be called periodically. */
  retry(): void;
  /** Whether the last write of the item has failed, so that a later process could assign its counter to another update. */
  isUnsaved(item: Item): boolean;

  /** Applied items, the oldest first, that would be sent again if the server lost them. */
  readonly kept: readonly Item[];
  /** Keeps an applied item for ten minutes of connected time; if there are too many, the oldest are dropped. */
  keep(item: Item): void;
  /** Stops keeping items. */
  forget(items: ReadonlySet<Item>): void;
  /** Counts time with an open connection. */
  addConnectedTime(ms: number): void;
}

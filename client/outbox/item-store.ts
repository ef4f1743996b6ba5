/** Where an outbox keeps its items beyond its own memory. */
import type { Item } from './outbox-item.ts';

export interface LoadedItems {
  /** The highest counter assigned so far. */
  readonly counter: number;
  /** In any order. */
  readonly items: readonly Item[];
}

export interface ItemStore {
  /**
   * @param device that stored items belong to which do not name theirs
   * @param version of the stored state: applied items are loaded if their versions are higher
   */
  load(device: string | undefined, version: number): Promise<LoadedItems>;
  /** Stores items as they are now, also those that were removed. */
  save(items: readonly Item[]): void;
  remove(item: Item): void;
  /** Records that updates up to this counter may have been sent. Before they are, `flush` has to resolve. */
  markSent(counter: number): void;
  /** Resolves when every write requested so far is done, or has failed. Never rejects. */
  flush(): Promise<void>;
  /** Writes again what could not be written before. To be called from time to time. */
  retry(): void;
  /** Whether the last write of the item has failed, and a later process could give its counter to another update. */
  isUnsaved(item: Item): boolean;

  /** Applied items, the oldest first, that would be sent again if the server lost them. */
  readonly kept: readonly Item[];
  /** Keeps an applied item for ten minutes with an open connection; of many, the newest. */
  keep(item: Item): void;
  /** Keeps items no longer. */
  forget(items: ReadonlySet<Item>): void;
  /** Counts time with an open connection. */
  addConnectedTime(ms: number): void;
}

/**
 * A cache of the most recently used entries that may have many entries, and mostly has few. lru-cache allocates room for `max`
 * entries at once, 11 ms of CPU for 100,000; counted as a size instead, the room grows with what is stored.
 */
import { LRUCache } from 'lru-cache';

interface SparseCacheOptions {
  readonly maxEntries: number;
  readonly ttl?: number;
  readonly noUpdateTTL?: boolean;
}

export function createSparseCache<Key extends {}, Value extends {}>({
  maxEntries,
  ...options
}: SparseCacheOptions): LRUCache<Key, Value> {
  return new LRUCache<Key, Value>({ ...options, maxSize: maxEntries, sizeCalculation: () => 1 });
}

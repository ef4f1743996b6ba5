/**
 * The latest version of each field that this process has observed, for receipts. It never queries PostgreSQL; while the cache
 * is unavailable the versions are merely older.
 */
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createSparseCache } from '../../shared/process/sparse-cache.ts';

/** An observation does not extend the life of an older one: a failover may have lost the version that it brought. */
const cacheOptions = { maxEntries: 50_000, ttl: 1000, noUpdateTTL: true };

export class LatestVersions {
  readonly #cache: FieldCache;
  readonly #versions = createSparseCache<FieldId, number>(cacheOptions);

  constructor(cache: FieldCache) {
    this.#cache = cache;
  }

  /** Records that the field has reached a version; an older one than was known for less than a second is ignored. */
  observe(field: FieldId, version: number): void {
    this.#versions.set(field, Math.max(version, this.#versions.get(field) ?? 0));
  }

  /** The latest known version, 0 for none. Reads the cache if nothing was observed for a second. Never rejects. */
  async get(field: FieldId): Promise<number> {
    const fresh = this.#versions.get(field);
    if (fresh !== undefined) return fresh;
    const cursor = await this.#cache.readCursor(field).catch(() => undefined);
    const version = cursor === undefined ? 0 : versionOf(cursor);
    this.observe(field, version);
    return this.#versions.get(field) ?? version;
  }

  /**
   * Whether readers of the cache get this version or a newer one: a commit is in PostgreSQL shortly before it is in the cache. True if
   * there is no copy, or the cache does not answer, since reads then go to PostgreSQL. Never rejects.
   */
  async isReadable(field: FieldId, version: number): Promise<boolean> {
    const cursor = await this.#cache.readCursor(field).catch(() => undefined);
    return cursor === undefined || versionOf(cursor) >= version;
  }
}

/**
 * Stores text by key. Implement it to keep a client's data elsewhere, and test the implementation with `storageChecks`.
 *
 * - A value is at most 256 kB long (240,000 bytes in UTF-8), and survives the end of the process once `set` has resolved.
 * - `set` replaces the whole value or none of it, and rejects when it could not.
 * - Keys consist of a to z, 0 to 9, `/`, `-` and `_`, except for those of version 0.1.0, which begin with the server's address.
 * - The client makes no call for a key while another call that writes it is pending.
 */
export interface Storage {
  /** Resolves to null when there is no value. */
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
  /** Also resolves when there is no value. */
  remove(key: string): Promise<void>;
}

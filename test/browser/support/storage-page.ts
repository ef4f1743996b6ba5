/** Runs in the browser: gives the page's tests the storages of browsers, as an app uses them. */
import { indexedDbStorage } from '../../../client/storage/indexed-db-storage.ts';
import { localStorage } from '../../../client/storage/local-storage.ts';
import { storageChecks } from '../../../client/storage/storage-checks.ts';

const kinds = { indexedDB: () => indexedDbStorage(), localStorage: () => localStorage() };
export type StorageKind = keyof typeof kinds;

/** What tests call in the page. */
export interface StoragePage {
  /** @returns one line for each check: what was not met, or `ok` and its name */
  check(kind: StorageKind): Promise<readonly string[]>;
  get(kind: StorageKind, key: string): Promise<string | null>;
  /** Writes values of these lengths at the same time. @returns the keys whose writes have failed, and why */
  set(kind: StorageKind, lengths: Readonly<Record<string, number>>): Promise<readonly string[]>;
}

/** One instance for each kind, since each takes a slot of its own. */
const opened = { indexedDB: kinds.indexedDB(), localStorage: kinds.localStorage() };

const page: StoragePage = {
  async check(kind) {
    const lines: string[] = [];
    // The slot is this tab's, so that a second instance would find another one.
    for (const { name, run } of storageChecks(() => opened[kind])) {
      lines.push(
        await run().then(
          () => `ok ${name}`,
          (error) => `${name}: ${error}`,
        ),
      );
    }
    return lines;
  },
  get: (kind, key) => opened[kind].get(key),
  async set(kind, lengths) {
    const failed = Object.entries(lengths).map(([key, length]) =>
      opened[kind].set(key, 'x'.repeat(length)).then(
        () => [],
        (error: Error) => [`${key}: ${error.name}`],
      ),
    );
    return (await Promise.all(failed)).flat();
  },
};
Object.assign(globalThis, { page });

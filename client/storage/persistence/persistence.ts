/**
 * The interface between a client and its storage. The core imports nothing else, so that an app bundles the code behind it only
 * with the storage that it uses.
 */
import type { StoredIdentity } from '../../connection/registration.ts';
import type { ItemStore } from '../../outbox/item-store.ts';
import type { FieldView } from '../../types.ts';
import type { Storage } from '../storage.ts';
import type { DeviceChange, DeviceChangeDeps } from './device-change.ts';
import type { HistoryCheck, HistoryCheckDeps } from './history-check.ts';

/** A storage with the code that keeps a client's data in it, created by a storage adapter or by `persistentStorage`. */
export interface PersistentStorage extends Storage {
  /** For clients only. */
  openPersistence(options: PersistenceOptions): Persistence;
}

export interface PersistenceOptions {
  readonly field: string;
  /** The server's address and its former ones, since version 0.1.0 stored data by address. */
  readonly addresses: readonly string[];
  /** The account whose token reads the field. */
  readonly account: () => string | undefined;
  readonly onProblem: (error: unknown, code: string) => void;
}

export interface Persistence {
  readonly identity: StoredIdentity;
  readonly items: ItemStore;
  readonly state: StateCopy;
  createDeviceChange(deps: DeviceChangeDeps): DeviceChange;
  createHistoryCheck(deps: HistoryCheckDeps): HistoryCheck;
  /** @throws Error when another running client of the field uses the storage: both would use the same counters */
  claim(): void;
  release(): void;
}

/** The last known state, so that an app without a network starts with it, and a stream resumes from its cursor. */
export interface StateCopy {
  /** Never rejects. @returns undefined when there is none of this field and account */
  load(): Promise<FieldView | undefined>;
  /** Never rejects. */
  save(view: FieldView): Promise<void>;
  /** Saves a changed state unless the last save was a short time ago. @param elapsedMs since the last call */
  saveThrottled(view: FieldView, elapsedMs: number): void;
}

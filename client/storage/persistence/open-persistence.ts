/** Composes the parts that keep a client's data in a storage. */
import type { Storage } from '../storage.ts';
import { DeviceChange } from './device-change.ts';
import { guardStorage, prioritize } from './guarded-storage.ts';
import { HistoryCheck } from './history-check.ts';
import { OutboxStore } from './outbox-store.ts';
import type { Persistence, PersistenceOptions } from './persistence.ts';
import { prefixKeys } from './prefixed-keys.ts';
import { StatePersister } from './state-persister.ts';
import { createStoredIdentity } from './stored-identity.ts';

/** The prefix of all keys, since an app may keep other values in the same storage. */
export const namespace = 'consciousness-field';

interface Use {
  isRunning: boolean;
  /** The client that has used it last. */
  readonly by: object;
}

/** Which clients use a storage, by field. */
const usesByStorage = new WeakMap<Storage, Map<string, Use>>();

/** @param storage as the app gave it */
export function openPersistence(storage: Storage, options: PersistenceOptions): Persistence {
  const { field, addresses, account, onProblem } = options;
  const guarded = guardStorage(storage);
  const onDamage = (key: string) =>
    onProblem(new Error(`The stored value ${key} is damaged and was dropped.`), 'storage_damaged');
  const state = new StatePersister({
    storage: prefixKeys(guarded, `${namespace}/${field}`),
    field,
    account,
    onDamage,
    onProblem: (error) => onProblem(error, 'state_not_stored'),
  });
  const important = prioritize(
    guarded,
    () => state.makeRoom(),
    (error) => onProblem(error, 'storage'),
  );
  const deviceStorage = prefixKeys(important, namespace);
  const formerStorages = addresses.map((address) => prefixKeys(important, address));
  const identity = createStoredIdentity({ storage: deviceStorage, formerStorages, sharedStorage: storage });
  const items = new OutboxStore({
    storage: prefixKeys(deviceStorage, field),
    formerStorages: formerStorages.map((former) => prefixKeys(former, field)),
    onDamage,
    retryOthers: () => identity.retry(),
    onUnreadable(error) {
      // Nothing is written, since the next process may be able to read it.
      onProblem(error, 'storage_unreadable');
      guarded.detach();
    },
  });
  const uses = usesByStorage.get(storage) ?? new Map<string, Use>();
  usesByStorage.set(storage, uses);
  let wasUsed = false;
  return {
    identity,
    items,
    state,
    createDeviceChange: (deps) => new DeviceChange(deps),
    createHistoryCheck: (deps) => new HistoryCheck(deps),
    claim() {
      const use = uses.get(field);
      if (use?.isRunning)
        throw new Error(
          `Another client of the field ${field} uses this storage. Close it, or use it for both purposes.`,
        );
      // This client's copy of the storage is stale, and would overwrite what the other one has stored.
      if (wasUsed && use?.by !== items)
        throw new Error(`Another client of the field ${field} has used this storage since. Create a new client.`);
      wasUsed = true;
      uses.set(field, { isRunning: true, by: items });
    },
    release() {
      const use = uses.get(field);
      if (use) use.isRunning = false;
    },
  };
}

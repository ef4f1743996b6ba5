/**
 * Storage in a browser's IndexedDB. Writes that are requested while a transaction is being committed share the next one, since
 * each commit waits for the disk.
 */
import type { Storage } from './storage.ts';
import { type LockGlobals, type TabStorage, tabStorage } from './tab-slots.ts';

interface EventSource {
  addEventListener(name: string, listener: () => void): void;
}
interface RequestLike<Result> extends EventSource {
  readonly result: Result;
  readonly error: unknown;
}
interface ObjectStoreLike {
  get(key: string): RequestLike<unknown>;
  put(value: string, key: string): unknown;
  delete(key: string): unknown;
}
interface TransactionLike extends EventSource {
  readonly error: unknown;
  objectStore(name: string): ObjectStoreLike;
}
interface DatabaseLike extends EventSource {
  createObjectStore(name: string): unknown;
  transaction(name: string, mode: 'readonly' | 'readwrite', options?: { durability: 'strict' }): TransactionLike;
  close(): void;
}
interface FactoryLike {
  open(name: string, version: number): RequestLike<DatabaseLike>;
}
interface BrowserGlobals extends LockGlobals {
  readonly indexedDB?: FactoryLike;
}

interface Write {
  readonly perform: (store: ObjectStoreLike) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const storeName = 'values';

/**
 * Storage in a database of IndexedDB, which is created if necessary. Each tab has its own part.
 * @param name of the database
 * @throws Error when there is no IndexedDB
 */
export function indexedDbStorage(name = 'consciousness-field', globals = globalThis as BrowserGlobals): TabStorage {
  const { indexedDB } = globals;
  if (!indexedDB) throw new Error('IndexedDB is not available. Use memoryStorage() or another storage.');
  const database = new Database(indexedDB, name);
  const storage: Storage = {
    get: (key) => database.read(key),
    set: (key, value) => database.write((store) => store.put(value, key)),
    remove: (key) => database.write((store) => store.delete(key)),
  };
  return tabStorage(storage, `indexedDB/${name}`, globals);
}

class Database {
  readonly #factory: FactoryLike;
  readonly #name: string;
  #connection: Promise<DatabaseLike> | undefined;
  #requested: Write[] = [];
  #isCommitting = false;

  constructor(factory: FactoryLike, name: string) {
    this.#factory = factory;
    this.#name = name;
  }

  async read(key: string): Promise<string | null> {
    let value: unknown;
    await this.#use(async (connection) => {
      const request = connection.transaction(storeName, 'readonly').objectStore(storeName).get(key);
      await toPromise(request, 'success', 'error');
      value = request.result;
    });
    return typeof value === 'string' ? value : null;
  }

  write(perform: Write['perform']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#requested.push({ perform, resolve, reject });
      if (!this.#isCommitting) void this.#commitRequested();
    });
  }

  async #commitRequested(): Promise<void> {
    this.#isCommitting = true;
    while (this.#requested.length > 0) {
      const writes = this.#requested;
      this.#requested = [];
      await this.#commit(writes).catch(async (error) => {
        if (writes.length === 1) return writes[0]?.reject(error);
        // One write may have made the others fail, for example by its size.
        for (const write of writes) await this.#commit([write]).catch(write.reject);
      });
    }
    this.#isCommitting = false;
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    await this.#use((connection) => {
      // Without `strict`, browsers report writes that a power failure may still lose.
      const transaction = connection.transaction(storeName, 'readwrite', { durability: 'strict' });
      for (const { perform } of writes) perform(transaction.objectStore(storeName));
      return toPromise(transaction, 'complete', 'abort');
    });
    for (const { resolve } of writes) resolve();
  }

  /** Browsers close connections, for example of suspended apps. A call that fails for this reason is repeated on a new one. */
  async #use(begin: (connection: DatabaseLike) => Promise<void>): Promise<void> {
    const isOpen = this.#connection !== undefined;
    const connection = await this.#connect();
    try {
      await begin(connection);
    } catch (error) {
      const isEnded = error instanceof Error && error.name === 'InvalidStateError';
      if (!isOpen || !isEnded) throw error;
      this.#disconnect(connection);
      await begin(await this.#connect());
    }
  }

  #connect(): Promise<DatabaseLike> {
    this.#connection ??= this.#open().catch((error) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }

  async #open(): Promise<DatabaseLike> {
    const request = this.#factory.open(this.#name, 1);
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(storeName));
    await toPromise(request, 'success', 'error');
    const connection = request.result;
    // `versionchange` means that the app is deleting the database.
    for (const event of ['close', 'versionchange']) {
      connection.addEventListener(event, () => this.#disconnect(connection));
    }
    return connection;
  }

  #disconnect(connection: DatabaseLike): void {
    connection.close();
    this.#connection = undefined;
  }
}

function toPromise(source: EventSource & { readonly error: unknown }, success: string, failure: string): Promise<void> {
  return new Promise((resolve, reject) => {
    source.addEventListener(success, () => resolve());
    source.addEventListener(failure, () => reject(source.error ?? new Error('The transaction was aborted.')));
  });
}

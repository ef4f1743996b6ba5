/**
 * A browser in memory: pages with Web Locks, channels and a storage that they share. A page can crash, or be suspended: then nothing
 * of it happens, and what arrives for it waits.
 */
import type { Storage } from '../../../../client/storage/storage.ts';
import { type TabStorage, tabStorage } from '../../../../client/storage/tab-slots.ts';
import type { TabGlobals } from '../../../../client/tabs/tab-client.ts';

type Locks = NonNullable<NonNullable<TabGlobals['navigator']>['locks']>;
type LockArguments = Parameters<Locks['request']>;

interface Held {
  readonly page: object;
  readonly mode: string;
  readonly steal: () => void;
}
interface Waiting {
  readonly page: object;
  readonly mode: string;
  readonly grant: () => void;
}

class FakeLocks {
  readonly #held = new Map<string, Set<Held>>();
  readonly #queues = new Map<string, Waiting[]>();
  readonly #ended = new WeakSet<object>();

  of(page: object): Locks {
    return { request: (...args) => this.#request(page, ...args) };
  }

  end(page: object): void {
    this.#ended.add(page);
    for (const [name, queue] of this.#queues) {
      this.#queues.set(
        name,
        queue.filter((waiting) => waiting.page !== page),
      );
    }
    for (const [name, held] of this.#held) {
      for (const lock of held) if (lock.page === page) held.delete(lock);
      this.#grantNext(name);
    }
  }

  #request(page: object, ...[name, options, callback]: LockArguments): Promise<unknown> {
    if (this.#ended.has(page)) return Promise.reject(new Error('The page is gone.'));
    const { mode = 'exclusive', ifAvailable = false, steal = false, signal } = options;
    return new Promise((resolve, reject) => {
      const held = this.#held.get(name) ?? new Set();
      this.#held.set(name, held);
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      const grant = () => {
        const lock: Held = { page, mode, steal: () => reject(new Error('AbortError')) };
        held.add(lock);
        const release = () => {
          if (held.delete(lock)) this.#grantNext(name);
        };
        setImmediate(() => {
          // Otherwise a page that has ended would wait for the lock for ever, and keep its process.
          if (this.#ended.has(page)) return reject(new Error('The page is gone.'));
          Promise.resolve(callback({ name })).finally(release).then(resolve, reject);
        });
      };
      if (steal) {
        for (const lock of [...held]) {
          held.delete(lock);
          lock.steal();
        }
        return grant();
      }
      const isFree = queue.length === 0 && this.#isGrantable(name, mode);
      if (isFree) return grant();
      if (ifAvailable) return void setImmediate(() => Promise.resolve(callback(null)).then(resolve, reject));
      const waiting = { page, mode, grant };
      queue.push(waiting);
      signal?.addEventListener('abort', () => {
        reject(new Error('AbortError'));
        const index = this.#queues.get(name)?.indexOf(waiting) ?? -1;
        if (index < 0) return;
        this.#queues.get(name)?.splice(index, 1);
        this.#grantNext(name);
      });
    });
  }

  #isGrantable(name: string, mode: string): boolean {
    const held = [...(this.#held.get(name) ?? [])];
    return held.length === 0 || (mode === 'shared' && held.every((lock) => lock.mode === 'shared'));
  }

  #grantNext(name: string): void {
    const queue = this.#queues.get(name);
    while (queue?.[0] && this.#isGrantable(name, queue[0].mode)) queue.shift()?.grant();
  }
}

export interface FakePage {
  readonly globals: TabGlobals;
  readonly storage: TabStorage;
  readonly fetch: typeof globalThis.fetch;
  isVisible: boolean;
  /** What the page says is not heard by others if this returns false. */
  filter: (message: { readonly type: string }) => boolean;
  /** Called before a value is written. */
  beforeWrite: (key: string) => void;
  crash(): void;
  /** Like a crash; afterwards, the code of the page can run to its end, without an effect. */
  end(): void;
  suspend(): void;
  resume(): void;
}

interface Channel {
  readonly page: { deliver(event: () => void): void };
  readonly name: string;
  readonly listeners: ((event: { data: unknown }) => void)[];
}

export class FakeBrowser {
  readonly values = new Map<string, string>();
  /** Whether requests reach the network. */
  isOnline = true;
  readonly #locks = new FakeLocks();
  readonly #channels = new Set<Channel>();
  readonly #fetch: typeof globalThis.fetch;

  /** @param fetch the network */
  constructor(fetch: typeof globalThis.fetch) {
    this.#fetch = fetch;
  }

  open(): FakePage {
    const [browser, values, channels] = [this, this.values, this.#channels];
    let state: 'running' | 'suspended' | 'crashed' | 'ended' = 'running';
    const waiting: (() => void)[] = [];
    const deliver = (event: () => void) => {
      if (state === 'running' || state === 'ended') event();
      else waiting.push(event);
    };
    const turn = () => new Promise<void>((resolve) => setImmediate(() => deliver(resolve)));
    const whole: Storage = {
      async get(key) {
        await turn();
        return values.get(key) ?? null;
      },
      async set(key, value) {
        await turn();
        page.beforeWrite(key);
        // The page may have crashed at this very write.
        if (state === 'running') values.set(key, value);
        await turn();
      },
      async remove(key) {
        await turn();
        if (state === 'running') values.delete(key);
        await turn();
      },
    };
    class BroadcastChannel {
      readonly #channel: Channel;
      constructor(name: string) {
        this.#channel = { page: { deliver }, name, listeners: [] };
        channels.add(this.#channel);
      }
      addEventListener(_: 'message', listener: (event: { data: unknown }) => void) {
        this.#channel.listeners.push(listener);
      }
      postMessage(message: unknown) {
        if (state === 'crashed' || state === 'ended' || !page.filter(message as { type: string })) return;
        const data = structuredClone(message);
        deliver(() => {
          for (const other of channels) {
            if (other === this.#channel || other.name !== this.#channel.name) continue;
            setImmediate(() =>
              other.page.deliver(() => {
                for (const listener of other.listeners) listener({ data });
              }),
            );
          }
        });
      }
      close() {
        channels.delete(this.#channel);
      }
    }
    const navigator = { locks: this.#locks.of(whole) };
    const globals: TabGlobals = {
      navigator,
      BroadcastChannel,
      document: {
        get visibilityState() {
          return page.isVisible ? 'visible' : 'hidden';
        },
      },
    };
    const page: FakePage = {
      globals,
      storage: tabStorage(whole, 'test', { navigator }),
      isVisible: true,
      filter: () => true,
      beforeWrite: () => undefined,
      async fetch(...args) {
        await turn();
        if (!browser.isOnline || state === 'ended') throw new TypeError('offline');
        return browser.#fetch(...args).finally(turn);
      },
      crash() {
        state = 'crashed';
        browser.#locks.end(whole);
      },
      end() {
        page.crash();
        state = 'ended';
        for (const event of waiting.splice(0)) event();
      },
      suspend() {
        state = 'suspended';
      },
      resume() {
        state = 'running';
        for (const event of waiting.splice(0)) setImmediate(() => deliver(event));
      },
    };
    return page;
  }
}

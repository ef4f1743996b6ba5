/** The storage of a device: it outlives the app, may be slow, may be full, and may be replaced by an older copy. */
import type { Storage } from '../../../../client/storage/storage.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';

export class DeviceStorage {
  isFull = false;
  slownessMs = 0;
  readonly #time: VirtualTime;
  #values = new Map<string, string>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  copy(): ReadonlyMap<string, string> {
    return new Map(this.#values);
  }

  restore(copy: ReadonlyMap<string, string>): void {
    this.#values = new Map(copy);
  }

  /** As the app's process sees it: what it has not finished writing when it dies is not written. */
  open(): Storage {
    return {
      get: (key) => this.#perform(() => this.#values.get(key) ?? null),
      set: (key, value) =>
        this.#perform(() => {
          if (this.isFull) throw new Error('the storage is full');
          this.#values.set(key, value);
        }),
      remove: (key) => this.#perform(() => void this.#values.delete(key)),
    };
  }

  #perform<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#time.schedule(1 + this.slownessMs, () => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}

/**
 * What must be clear before the first update is sent: whose the outbox is, and up to which counter the server knows the
 * device. It is asked once after each start, and again when a counter turned out to be used.
 */
import type { Credentials } from './credentials.ts';
import { ask, RequestError } from './http.ts';
import type { Outbox } from './outbox.ts';
import type { Storage } from './storage.ts';

const ownerKey = 'outbox-of';

export interface SessionOptions {
  readonly url: string;
  readonly field: string;
  readonly fetch: typeof globalThis.fetch;
  readonly storage: Storage;
  readonly credentials: Credentials;
  readonly outbox: Outbox;
  readonly onSkipped: (counter: number) => void;
}

export class Session {
  readonly #options: SessionOptions;
  #isClear = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  doubt(): void {
    this.#isClear = false;
  }

  /** @throws RequestError */
  async prepare(token: string): Promise<void> {
    if (this.#isClear) return;
    const { storage, credentials, outbox, onSkipped } = this.#options;
    const device = credentials.device;
    // A token that names no device cannot write: the server says so to whoever tries.
    if (device === undefined) return;
    const owner = await storage.get(ownerKey);
    const counter = await this.#readCounter(device, token);
    if (owner !== null && owner !== device) {
      // Another user has signed in: what is left becomes that device's, with counters of its own.
      outbox.handOver(counter);
    } else if (outbox.skipTo(counter)) {
      onSkipped(counter);
    }
    if (owner !== device) await storage.set(ownerKey, device);
    this.#isClear = true;
  }

  async #readCounter(device: string, token: string): Promise<number> {
    const answer = await this.#read(`/clock?device=${device}`, token);
    const { clock } = (answer ?? { clock: {} }) as { clock: Readonly<Record<string, number>> };
    return clock[device] ?? 0;
  }

  /** Undefined for a field that nobody has written to. */
  async #read(path: string, token: string): Promise<unknown> {
    const { url, field, fetch } = this.#options;
    try {
      return (await ask(fetch, { url: `${url}/api/fields/${field}${path}`, token })).body;
    } catch (error) {
      if (error instanceof RequestError && error.code === 'field_not_found') return undefined;
      throw error;
    }
  }
}

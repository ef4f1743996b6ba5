/**
 * The identity of a device that registered itself: the last token that it was issued, which names the device and is all that can
 * renew it, so that it is stored. When the server does not recognise it any more, the device gets another id.
 */

import type { Storage } from '../storage/storage.ts';
import { RequestError, sendRequest } from './http.ts';
import { decodeTokenClaims } from './token-claims.ts';

const tokenKey = 'token';
/** Version 0.1.0 stored the id alone. */
const deviceKey = 'device';

/** The registrations under way, by the app's storage: clients of several fields are one device. */
const registrations = new WeakMap<object, Promise<string>>();

interface RegistrationOptions {
  readonly url: string;
  readonly storage: Storage;
  readonly formerStorages: readonly Storage[];
  readonly sharedStorage: object;
  readonly fetch: typeof globalThis.fetch;
}

export class Registration {
  readonly #options: RegistrationOptions;
  #token: string | undefined;
  /** Whether the token comes from the storage and was not handed out yet. */
  #isUntried = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Never rejects. @returns the id of the device that registered in an earlier process */
  async load(): Promise<string | undefined> {
    const [token, formerDevice] = await Promise.all([tokenKey, deviceKey].map((key) => this.#read(key)));
    this.#token ??= token;
    this.#isUntried = this.#token !== undefined;
    return (this.#token && decodeTokenClaims(this.#token).device) ?? formerDevice;
  }

  /**
   * The stored token if it is valid at `now` and was not handed out yet, otherwise a new one.
   * @throws RequestError; `token_revoked` if an operator has revoked the device
   */
  async obtainToken(now: number): Promise<string> {
    const stored = this.#token;
    if (stored === undefined) return this.#register();
    const isUsable = this.#isUntried && (decodeTokenClaims(stored).expiresAt ?? 0) > now;
    this.#isUntried = false;
    if (isUsable) return stored;
    try {
      return await this.#request('/api/devices/renew', stored);
    } catch (error) {
      if (!(error instanceof RequestError && error.code === 'unauthorized')) throw error;
      // The server's key has changed, or it is another installation: nobody can act as the former device any more.
      return this.#register();
    }
  }

  async #register(): Promise<string> {
    const { sharedStorage } = this.#options;
    const running = registrations.get(sharedStorage) ?? this.#takeOrRequest();
    registrations.set(sharedStorage, running);
    const token = await running.finally(() => registrations.delete(sharedStorage));
    this.#token = token;
    return token;
  }

  /** A client of another field may have registered the device since the storage was read. */
  async #takeOrRequest(): Promise<string> {
    const stored = await this.#read(tokenKey);
    return stored !== undefined && stored !== this.#token ? stored : this.#request('/api/devices');
  }

  async #read(key: string): Promise<string | undefined> {
    const { storage, formerStorages } = this.#options;
    const reads = [storage, ...formerStorages].map((each) => each.get(key).catch(() => null));
    return (await Promise.all(reads)).find((value) => value) ?? undefined;
  }

  async #request(path: string, token?: string): Promise<string> {
    const { url, fetch, storage } = this.#options;
    const authorized = token === undefined ? {} : { token };
    const { body } = await sendRequest(fetch, { url: url + path, body: {}, expects: 'token', ...authorized });
    this.#token = (body as { token: string }).token;
    await storage.set(tokenKey, this.#token).catch(() => undefined);
    return this.#token;
  }
}

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

interface RegistrationOptions {
  readonly url: string;
  readonly storage: Storage;
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

  /** @returns the id of the device that registered in an earlier process */
  async load(): Promise<string | undefined> {
    const { storage } = this.#options;
    this.#token ??= (await storage.get(tokenKey)) ?? undefined;
    this.#isUntried = this.#token !== undefined;
    const device = this.#token && decodeTokenClaims(this.#token).device;
    return device ?? (await storage.get(deviceKey)) ?? undefined;
  }

  /**
   * The stored token if it is valid at `now` and was not handed out yet, otherwise a new one.
   * @throws RequestError; `token_revoked` if an operator has revoked the device
   */
  async obtainToken(now: number): Promise<string> {
    const stored = this.#token;
    if (stored === undefined) return this.#request('/api/devices');
    const isUsable = this.#isUntried && (decodeTokenClaims(stored).expiresAt ?? 0) > now;
    this.#isUntried = false;
    if (isUsable) return stored;
    try {
      return await this.#request('/api/devices/renew', stored);
    } catch (error) {
      if (!(error instanceof RequestError && error.code === 'unauthorized')) throw error;
      // The server's key has changed, or it is another installation: nobody can act as the former device any more.
      return this.#request('/api/devices');
    }
  }

  async #request(path: string, token?: string): Promise<string> {
    const { url, fetch, storage } = this.#options;
    const authorized = token === undefined ? {} : { token };
    const { body } = await sendRequest(fetch, { url: url + path, body: {}, expects: 'token', ...authorized });
    this.#token = (body as { token: string }).token;
    await storage.set(tokenKey, this.#token);
    return this.#token;
  }
}

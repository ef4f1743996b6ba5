/**
 * The identity of a device that registered itself. Its last token is stored, since it names the device and only it can be exchanged
 * for a new one. When the server no longer recognises it, the device gets another id.
 */
import { RequestError, sendRequest } from './http.ts';
import { decodeTokenClaims } from './token-claims.ts';

/** The device's identity from earlier processes. */
export interface StoredIdentity {
  /** Never rejects: unreadable values count as missing. @returns only `device` where version 0.1.0 stored it */
  load(): Promise<{ readonly token?: string; readonly device?: string; readonly account?: string }>;
  saveAccount(account: string): void;
  /** Never rejects. */
  saveToken(token: string): Promise<void>;
  /**
   * Registers a new device. Clients of several fields that share a storage become one device.
   * @param request obtains a token from the server, which is then stored
   * @param former the token that the server no longer accepts
   */
  register(request: () => Promise<string>, former: string | undefined): Promise<string>;
}

interface RegistrationOptions {
  readonly url: string;
  readonly identity?: StoredIdentity | undefined;
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

  /** Never rejects. @returns the device and the account of an earlier process */
  async load(): Promise<{ readonly device: string | undefined; readonly account: string | undefined }> {
    const { token, device, account } = (await this.#options.identity?.load()) ?? {};
    this.#token ??= token;
    this.#isUntried = this.#token !== undefined;
    return { device: decodeTokenClaims(this.#token ?? '').device ?? device, account };
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
      this.#token = await this.#request('/api/devices/renew', stored);
    } catch (error) {
      if (!(error instanceof RequestError && error.code === 'unauthorized')) throw error;
      // The server's key has changed, or it is another installation: the former identity can no longer be renewed.
      return this.#register();
    }
    await this.#options.identity?.saveToken(this.#token);
    return this.#token;
  }

  async #register(): Promise<string> {
    const { identity } = this.#options;
    const request = () => this.#request('/api/devices');
    this.#token = await (identity ? identity.register(request, this.#token) : request());
    return this.#token;
  }

  async #request(path: string, token?: string): Promise<string> {
    const { url, fetch } = this.#options;
    const authorized = token === undefined ? {} : { token };
    const { body } = await sendRequest(fetch, { url: url + path, body: {}, expects: 'token', ...authorized });
    return (body as { token: string }).token;
  }
}

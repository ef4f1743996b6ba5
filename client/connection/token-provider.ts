/**
 * Who this device is: its id and its token, given by the app or by registering. A token is renewed before it runs out.
 * The id of a device that registered itself is kept; its token is not.
 */

import type { Storage } from '../storage/storage.ts';
import type { FieldClientOptions } from '../types.ts';
import { sendRequest } from './http.ts';
import { decodeTokenClaims } from './token-claims.ts';

const deviceKey = 'device';
/** Renewed this long before it runs out, or halfway if that is later. */
const renewMarginMs = 60_000;

interface TokenProviderOptions extends Pick<FieldClientOptions, 'url' | 'token' | 'getToken' | 'deviceId'> {
  readonly storage: Storage;
  readonly fetch: typeof globalThis.fetch;
  /** The server's time. */
  readonly now: () => number;
}

interface CachedToken {
  readonly token: string;
  /** When to ask for the next. */
  readonly renewAt: number;
}

export class TokenProvider {
  readonly #options: TokenProviderOptions;
  #cached: CachedToken | undefined;
  /** The last token that the server refused while it was held. */
  #refused: string | undefined;
  #refresh: Promise<string> | undefined;
  #device: string | undefined;

  constructor(options: TokenProviderOptions) {
    this.#options = options;
    this.#device = options.token === undefined ? options.deviceId : decodeTokenClaims(options.token).device;
  }

  async load(): Promise<void> {
    this.#device ??= (await this.#options.storage.get(deviceKey)) ?? undefined;
  }

  get device(): string | undefined {
    return this.#device;
  }

  /** When the token should be renewed, by the server's time. */
  get renewAt(): number {
    return this.#cached?.renewAt ?? Number.POSITIVE_INFINITY;
  }

  /** A token that is good for a while. @throws RequestError, or whatever `getToken` throws */
  async getToken(): Promise<string> {
    const held = this.#cached;
    if (held && held.token !== this.#refused && this.#options.now() < held.renewAt) return held.token;
    this.#refresh ??= this.#renew();
    return this.#refresh;
  }

  /**
   * The server did not take a token: the next is asked for, unless that has been done already. A token that is handed out
   * again after its refusal is good for one more try only.
   */
  invalidate(token: string): void {
    if (this.#cached?.token === token) this.#refused = token;
  }

  /** `getToken` may have another answer by now, such as that of another user. A device that registered keeps its token. */
  forgetAppToken(): void {
    if (!this.#options.getToken) return;
    this.#cached = undefined;
    this.#refresh = undefined;
  }

  /** Single-flight. What is forgotten meanwhile is not stored. */
  #renew(): Promise<string> {
    const asking = this.#fetchToken()
      .then((held) => {
        if (this.#refresh === asking) this.#cached = held;
        return held.token;
      })
      .finally(() => {
        if (this.#refresh === asking) this.#refresh = undefined;
      });
    return asking;
  }

  async #fetchToken(): Promise<CachedToken> {
    const { token: staticToken, getToken, now } = this.#options;
    const token = staticToken ?? (await getToken?.()) ?? (await this.#register());
    const { device, expiresAt } = decodeTokenClaims(token);
    if (device !== undefined) this.#device = device;
    const leftMs = (expiresAt ?? Number.POSITIVE_INFINITY) - now();
    // A token that never changes need not be asked for again.
    const renewInMs =
      staticToken === undefined ? Math.max(leftMs - renewMarginMs, leftMs / 2) : Number.POSITIVE_INFINITY;
    return { token, renewAt: now() + Math.max(0, renewInMs) };
  }

  async #register(): Promise<string> {
    const { url, fetch, storage } = this.#options;
    const body = this.#device === undefined ? {} : { deviceId: this.#device };
    const answer = (await sendRequest(fetch, { url: `${url}/api/devices`, body })).body;
    const { deviceId, token } = answer as { deviceId: string; token: string };
    if (deviceId !== this.#device) await storage.set(deviceKey, deviceId);
    this.#device = deviceId;
    return token;
  }
}

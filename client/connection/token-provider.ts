/**
 * This device's identity: its id and its token, given by the app or obtained by registering. Renews a token before it
 * expires.
 */

import type { Storage } from '../storage/storage.ts';
import type { FieldClientOptions } from '../types.ts';
import { untilAborted } from '../until-aborted.ts';
import { Registration } from './registration.ts';
import { decodeTokenClaims } from './token-claims.ts';

/** A token is renewed this long before it expires, or after half of its remaining life if that is later. */
const renewMarginMs = 60_000;

interface TokenProviderOptions extends Pick<FieldClientOptions, 'url' | 'token' | 'getToken' | 'deviceId'> {
  readonly storage: Storage;
  readonly fetch: typeof globalThis.fetch;
  /** The server's time, in ms. */
  readonly now: () => number;
}

interface CachedToken {
  readonly token: string;
  /** By the server's time, in ms. */
  readonly renewAt: number;
}

export class TokenProvider {
  readonly #options: TokenProviderOptions;
  #cached: CachedToken | undefined;
  #renewal: Promise<string> | undefined;
  /** A token that the server rejected while a renewal was in flight, whose outcome may be the same token. */
  #rejected: string | undefined;
  readonly #registration: Registration;
  #device: string | undefined;
  #storedDevice: string | undefined;

  constructor(options: TokenProviderOptions) {
    this.#options = options;
    this.#registration = new Registration(options);
    this.#device = options.token === undefined ? options.deviceId : decodeTokenClaims(options.token).device;
  }

  /** Reads the identity of a device that registered itself in an earlier process. */
  async load(): Promise<void> {
    this.#storedDevice ??= await this.#registration.load();
    this.#device ??= this.#storedDevice;
  }

  /** The id under which an earlier process registered; undefined if it did not. */
  get storedDevice(): string | undefined {
    return this.#storedDevice;
  }

  get device(): string | undefined {
    return this.#device;
  }

  /** When the token should be renewed, by the server's time in ms. */
  get renewAt(): number {
    return this.#cached?.renewAt ?? Number.POSITIVE_INFINITY;
  }

  /**
   * A token that is not about to expire. Single-flight: concurrent callers share one renewal, which `signal` does not end.
   * @throws RequestError when registering fails, whatever the app's `getToken` throws, or Error when `signal` is aborted
   */
  async getToken(signal?: AbortSignal): Promise<string> {
    const cached = this.#cached;
    if (cached && this.#options.now() < cached.renewAt) return cached.token;
    this.#renewal ??= this.#renew();
    return untilAborted(this.#renewal, signal);
  }

  /**
   * To be called when the server has rejected a token: `getToken` is then called again, once. If it returns the same token,
   * that is used until the server rejects it again.
   */
  invalidate(token: string): void {
    if (this.#cached?.token !== token) return;
    this.#cached = undefined;
    this.#rejected = token;
  }

  /** Asks `getToken` again, which may return another user's token by now. A device that registered keeps its token. */
  forgetAppToken(): void {
    if (!this.#options.getToken) return;
    this.#cached = undefined;
    this.#renewal = undefined;
  }

  /** The outcome of a renewal is not cached if `forgetAppToken` was called, or its token rejected, in the meantime. */
  #renew(): Promise<string> {
    this.#rejected = undefined;
    const renewal = this.#fetchToken()
      .then((fetched) => {
        if (this.#renewal === renewal) this.#cached = fetched.token === this.#rejected ? undefined : fetched;
        return fetched.token;
      })
      .finally(() => {
        if (this.#renewal === renewal) this.#renewal = undefined;
      });
    return renewal;
  }

  async #fetchToken(): Promise<CachedToken> {
    const { token: staticToken, getToken, now } = this.#options;
    const token = staticToken ?? (await getToken?.()) ?? (await this.#registration.obtainToken(now()));
    const { device, expiresAt } = decodeTokenClaims(token);
    if (device !== undefined) this.#device = device;
    const remainingMs = (expiresAt ?? Number.POSITIVE_INFINITY) - now();
    // A static token cannot be renewed.
    const renewInMs =
      staticToken === undefined ? Math.max(remainingMs - renewMarginMs, remainingMs / 2) : Number.POSITIVE_INFINITY;
    return { token, renewAt: now() + Math.max(0, renewInMs) };
  }
}

/**
 * This device's identity: its id and its token, given by the app or obtained by registering. Renews a token before it
 * expires.
 */

import type { FieldClientOptions } from '../options.ts';
import { untilAborted } from '../timing/until-aborted.ts';
import { withDeadline } from '../timing/with-deadline.ts';
import { RequestError } from './http.ts';
import { Registration, type StoredIdentity } from './registration.ts';
import { decodeTokenClaims } from './token-claims.ts';

/** A token is renewed this long before it expires, or after half of its remaining life if that is later. */
const renewMarginMs = 60_000;
/** How long the app's `getToken` may take; after that it is called again. */
const getTokenTimeoutMs = 30_000;

interface TokenProviderOptions extends Pick<FieldClientOptions, 'url' | 'token' | 'getToken' | 'deviceId'> {
  readonly identity?: StoredIdentity | undefined;
  readonly fetch: typeof globalThis.fetch;
  /** The server's time, in ms. */
  readonly now: () => number;
  /** Called when the account of the tokens has changed. */
  readonly onAccount: () => void;
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
  #generation = 0;
  /** How often the app's token was discarded. */
  #forgotten = 0;
  /** A token that the server rejected during a renewal, which may return the same token again. */
  #rejected: string | undefined;
  readonly #registration: Registration;
  #device: string | undefined;
  #account: string | undefined;

  constructor(options: TokenProviderOptions) {
    this.#options = options;
    this.#registration = new Registration(options);
    const { device = options.deviceId, user } = options.token === undefined ? {} : decodeTokenClaims(options.token);
    this.#device = device;
    this.#account = user;
  }

  /** Reads the identity of an earlier process. Never rejects: what cannot be read counts as missing. */
  async load(): Promise<void> {
    const { device, account } = await this.#registration.load();
    this.#device ??= device;
    if (this.#options.getToken) this.#account ??= account;
  }

  get device(): string | undefined {
    return this.#device;
  }

  /** The account of the app's last token; undefined for a device that registered itself. */
  get account(): string | undefined {
    return this.#account;
  }

  /** Changes when the account or the device may have changed: a token obtained before must not send updates that are pending after. */
  get generation(): number {
    return this.#generation;
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
    for (;;) {
      const [cached, forgotten] = [this.#cached, this.#forgotten];
      if (cached && this.#options.now() < cached.renewAt) return cached.token;
      this.#renewal ??= this.#renew();
      const token = await untilAborted(this.#renewal, signal);
      if (forgotten === this.#forgotten) return token;
    }
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

  /** Discards the app's token, since `getToken` may now return another user's. A device that registered keeps its token. */
  forgetAppToken(): void {
    if (!this.#options.getToken) return;
    this.#forgotten += 1;
    this.#generation += 1;
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
    const forgotten = this.#forgotten;
    const appToken = staticToken ?? (getToken && (await this.#askApp(getToken)));
    const token = appToken ?? (await this.#registration.obtainToken(now()));
    const { device, user, expiresAt } = decodeTokenClaims(token);
    // Otherwise the token may be that of a former account.
    if (forgotten === this.#forgotten) {
      if (device !== undefined) this.#setDevice(device);
      if (appToken !== undefined && user !== undefined) this.#setAccount(user);
    }
    const remainingMs = (expiresAt ?? Number.POSITIVE_INFINITY) - now();
    // A static token cannot be renewed.
    const renewInMs =
      staticToken === undefined ? Math.max(remainingMs - renewMarginMs, remainingMs / 2) : Number.POSITIVE_INFINITY;
    return { token, renewAt: now() + Math.max(0, renewInMs) };
  }

  async #askApp(getToken: () => string | Promise<string>): Promise<string> {
    const toError = () => new RequestError('token_timeout', 'No token in time.');
    return withDeadline(Promise.resolve(getToken()), getTokenTimeoutMs, toError);
  }

  #setDevice(device: string): void {
    if (device === this.#device) return;
    this.#device = device;
    this.#generation += 1;
  }

  #setAccount(account: string): void {
    if (account === this.#account) return;
    this.#account = account;
    this.#generation += 1;
    this.#options.identity?.saveAccount(account);
    this.#options.onAccount();
  }
}

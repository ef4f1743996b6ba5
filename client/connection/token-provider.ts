/**
 * Who this device is: its id and its token, given by the app or by registering. A token is renewed before it runs out.
 * The id of a device that registered itself is kept; its token is not.
 */

import type { Storage } from '../storage/storage.ts';
import type { FieldClientOptions } from '../types.ts';
import { ask } from './http.ts';
import { readToken } from './token-claims.ts';

const deviceKey = 'device';
/** Renewed this long before it runs out, or halfway if that is later. */
const marginMs = 60_000;

interface CredentialsOptions extends Pick<FieldClientOptions, 'url' | 'token' | 'getToken' | 'deviceId'> {
  readonly storage: Storage;
  readonly fetch: typeof globalThis.fetch;
  /** The server's time. */
  readonly now: () => number;
}

interface Held {
  readonly token: string;
  /** When to ask for the next. */
  readonly renewAt: number;
}

export class Credentials {
  readonly #options: CredentialsOptions;
  #held: Held | undefined;
  /** The last token that the server refused while it was held. */
  #refused: string | undefined;
  #asking: Promise<string> | undefined;
  #device: string | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.#device = options.token === undefined ? options.deviceId : readToken(options.token).device;
  }

  async load(): Promise<void> {
    this.#device ??= (await this.#options.storage.get(deviceKey)) ?? undefined;
  }

  get device(): string | undefined {
    return this.#device;
  }

  /** When the token should be renewed, by the server's time. */
  get renewAt(): number {
    return this.#held?.renewAt ?? Number.POSITIVE_INFINITY;
  }

  /** A token that is good for a while. @throws RequestError, or whatever `getToken` throws */
  async token(): Promise<string> {
    const held = this.#held;
    if (held && held.token !== this.#refused && this.#options.now() < held.renewAt) return held.token;
    this.#asking ??= this.#renew();
    return this.#asking;
  }

  /**
   * The server did not take a token: the next is asked for, unless that has been done already. A token that is handed out
   * again after its refusal is good for one more try only.
   */
  refuse(token: string): void {
    if (this.#held?.token === token) this.#refused = token;
  }

  /** `getToken` may have another answer by now, such as that of another user. A device that registered keeps its token. */
  forgetAppToken(): void {
    if (!this.#options.getToken) return;
    this.#held = undefined;
    this.#asking = undefined;
  }

  /** Single-flight. What is forgotten meanwhile is not stored. */
  #renew(): Promise<string> {
    const asking = this.#ask()
      .then((held) => {
        if (this.#asking === asking) this.#held = held;
        return held.token;
      })
      .finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
    return asking;
  }

  async #ask(): Promise<Held> {
    const { token: fixed, getToken, now } = this.#options;
    const token = fixed ?? (await getToken?.()) ?? (await this.#register());
    const { device, expiresAt } = readToken(token);
    if (device !== undefined) this.#device = device;
    const leftMs = (expiresAt ?? Number.POSITIVE_INFINITY) - now();
    // A token that never changes need not be asked for again.
    const waitMs = fixed === undefined ? Math.max(leftMs - marginMs, leftMs / 2) : Number.POSITIVE_INFINITY;
    return { token, renewAt: now() + Math.max(0, waitMs) };
  }

  async #register(): Promise<string> {
    const { url, fetch, storage } = this.#options;
    const body = this.#device === undefined ? {} : { deviceId: this.#device };
    const answer = (await ask(fetch, { url: `${url}/api/devices`, body })).body;
    const { deviceId, token } = answer as { deviceId: string; token: string };
    if (deviceId !== this.#device) await storage.set(deviceKey, deviceId);
    this.#device = deviceId;
    return token;
  }
}

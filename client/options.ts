/** The public settings of a client. */

import type { Region } from '../shared/field/math/region.ts';
import type { Prediction } from './state/prediction.ts';
import type { PersistentStorage } from './storage/persistence/persistence.ts';
import type { TransportName } from './types.ts';

/** The settings of a client. Only `url` and `field` are required. */
export interface FieldClientOptions {
  /** The URL of the API, for example `https://field.example.org`. */
  readonly url: string;
  /** Former values of `url`, under which version 0.1.0 stored unsent updates. */
  readonly formerUrls?: readonly string[];
  /** The id of the field. */
  readonly field: string;
  /**
   * A token that names a device. Without this and `getToken`, the client registers itself as a new device, if the server
   * allows that.
   */
  readonly token?: string;
  /**
   * Returns a token, within 30 seconds. Called at the start, before the last token expires, and when the server has rejected it.
   * If the token belongs to another account (`sub`), unsent updates of the previous account wait until it is signed in again.
   */
  readonly getToken?: () => string | Promise<string>;
  /**
   * Stores the outbox, the updates applied in the last ten minutes, the device's identity and the last state. Only one client may
   * use it at a time. Without it, all of these are lost when the app ends. Pass a custom storage through `persistentStorage` of
   * `consciousness-field-client/storage/persistent-storage`.
   */
  readonly storage?: PersistentStorage;
  /** The part of the field to watch, in grid units; lower edges are included, upper ones are not. The default is the whole field. */
  readonly region?: Region;
  /**
   * Computes the effect of pending own updates. The default shows them in particles and cells; with `predictGauges()` from
   * `consciousness-field-client/prediction`, also in metrics and quantum fields.
   */
  readonly prediction?: Prediction;
  /** The device's id, if the tokens of the app are not JWTs that name it. The server generates the id of a device that registers. */
  readonly deviceId?: string;
  /** The transports to try, in this order. The default is both: `['websocket', 'polling']`. */
  readonly transports?: readonly TransportName[];
  /**
   * Subscribes `wake` to the app's resume event and returns a function that unsubscribes it. The default is the browser's own
   * events; in React Native subscribe it to `AppState`.
   */
  readonly wakeOn?: (wake: () => void) => () => void;
  /** The device's wall clock, in ms since the epoch. The default is `Date.now`. */
  readonly clock?: () => number;
  /** A random number of at least 0 and below 1, for backoff and for gaps between counters. The default is `Math.random`. */
  readonly random?: () => number;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Replaces the global `WebSocket`. Required for streams if there is none, as in Node 20: use the package `ws`. */
  readonly WebSocket?: SocketConstructor;
}

/** The part of a WebSocket that the client uses. Browsers, React Native, Node 22 and the package `ws` have one. */
export interface SocketLike {
  /** The protocol that the server has chosen. */
  readonly protocol?: string;
  binaryType?: string;
  send(text: string): void;
  close(code?: number): void;
  addEventListener(name: 'open' | 'error', listener: () => void): void;
  addEventListener(name: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(name: 'close', listener: (event: { code: number }) => void): void;
}
/** Constructs a WebSocket with the protocols to offer to the server. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

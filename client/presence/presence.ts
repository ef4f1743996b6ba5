/** The devices that watch the field, and the data that this one shows. Ephemeral: nothing is stored. */

import type { PresenceChange, PresenceData, PresentDevice } from '../../shared/contract/messages.ts';
import { maxPresenceBytes } from '../../shared/contract/wire.ts';
import { utf8Length } from '../../shared/field/math/utf8-length.ts';

/** A change creates a new object. */
export interface PresenceView {
  /** The number of devices that are present; 0 while the server cannot be reached. */
  readonly activeNodes: number;
  /** The devices, this one included; of more than 200, those nearest to the centre of the watched region or of the grid. */
  readonly devices: readonly PresentDevice[];
}

/** The server forwards presence at most this often. */
const minIntervalMs = 100;

const nobody: PresenceView = { activeNodes: 0, devices: [] };

type SendPresence = (message: { readonly type: 'presence'; readonly data: PresenceData }) => boolean;

export class Presence {
  readonly #send: SendPresence;
  #view = nobody;
  #data: PresenceData | undefined;
  /** Whether the data still has to be sent. */
  #isUnsent = false;
  #isRefused = false;
  /** Runs while it is too early to send again. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param send returns false while no stream is open */
  constructor(send: SendPresence) {
    this.#send = send;
  }

  get view(): PresenceView {
    return this.#view;
  }

  apply({ activeNodes, complete, devices, gone = [] }: PresenceChange): void {
    const next = new Map((complete ? [] : this.#view.devices).map((device) => [device.device, device]));
    for (const id of gone) next.delete(id);
    for (const device of devices) next.set(device.device, device);
    this.#view = { activeNodes, devices: [...next.values()] };
  }

  /** Forgets all devices. @returns whether there were any */
  clear(): boolean {
    const wasKnown = this.#view !== nobody;
    this.#view = nobody;
    return wasKnown;
  }

  /** @throws RangeError when the data is too large, TypeError when it is not an object that can be sent as JSON */
  set(data: PresenceData): void {
    const text = JSON.stringify(data);
    if (!text?.startsWith('{')) throw new TypeError('Presence data must be an object.');
    if (utf8Length(text) > maxPresenceBytes)
      throw new RangeError(`Presence data must be at most ${maxPresenceBytes} bytes of JSON.`);
    this.#data = JSON.parse(text) as PresenceData;
    this.#isUnsent = true;
    this.#sendUnsent();
  }

  /** To be called when a stream has opened: the server discards data with the stream that it came on. */
  handleOpen(): void {
    this.#isRefused = false;
    this.#isUnsent = this.#data !== undefined;
    this.#sendUnsent();
  }

  /** The token does not allow presence data, so nothing more is sent on this stream. */
  handleRefusal(): void {
    this.#isRefused = true;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sendUnsent(): void {
    if (this.#timer || this.#isRefused || !this.#isUnsent || !this.#data) return;
    if (!this.#send({ type: 'presence', data: this.#data })) return;
    this.#isUnsent = false;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sendUnsent();
    }, minIntervalMs);
  }
}

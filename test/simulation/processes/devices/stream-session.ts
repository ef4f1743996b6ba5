/**
 * One stream from an API to a device, with what lies in between: messages keep their order, what a device does not read
 * stays in buffers, and a cut network is only noticed by what does not arrive.
 */
import type { MessageSink } from '../../../../api/streaming/subscriber.ts';
import type { ClientMessage } from '../../../../shared/contract/messages.ts';
import type { Cursor } from '../../../../shared/field/cursor.ts';
import type { FieldId } from '../../../../shared/field/ids.ts';
import type { Region } from '../../../../shared/field/math/region.ts';
import type { SimProcess } from '../../kernel/sim-process.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';
import type { LinkState } from '../../models/link.ts';
import type { SimApi } from '../sim-api.ts';

const pingIntervalMs = 25_000;

/** The network between, as far as a stream needs it. */
interface SessionNetwork {
  readonly state: LinkState;
  latency(): number;
}

export interface StreamPeer {
  readonly process: SimProcess | undefined;
  readonly onMessage: (text: string) => void;
  readonly onClose: (code: number) => void;
}

export interface StreamRequest {
  readonly field: FieldId;
  readonly device: string;
  readonly after: Cursor | undefined;
  readonly region: Region | undefined;
}

export class StreamSession implements MessageSink {
  readonly #time: VirtualTime;
  readonly #network: SessionNetwork;
  readonly #api: SimApi;
  readonly #peer: StreamPeer;
  #lastDeliveryAt = 0;
  #bufferedBytes = 0;
  #isOpen = true;
  /** Whether something was lost on the way: nothing arrives any more, and only pings that are not answered tell. */
  #isBroken = false;
  #isAlive = true;
  #leave: () => void = () => undefined;
  #heard: () => void = () => undefined;
  #changeRegion: (region: Region | null) => void = () => undefined;

  /** To be called as the API's process. */
  constructor(
    deps: { time: VirtualTime; network: SessionNetwork; api: SimApi; peer: StreamPeer },
    request: StreamRequest,
  ) {
    this.#time = deps.time;
    this.#network = deps.network;
    this.#api = deps.api;
    this.#peer = deps.peer;
    const services = deps.api.services;
    if (!services) return;
    const presence = services.presence.join(request.field, { device: request.device, user: request.device });
    this.#heard = () => presence.heard();
    const removeListener = this.#api.onKill(() => this.#closeAtPeer(1006));
    const { field, device, after, region } = request;
    const subscription = services.hub.subscribe({ field, sink: this, after, region, device });
    this.#changeRegion = (region) => subscription.changeRegion(region ?? undefined);
    const timer = setInterval(() => this.#ping(), pingIntervalMs);
    this.#leave = () => {
      removeListener();
      subscription.end();
      presence.leave();
      clearInterval(timer);
    };
  }

  send(message: { readonly text: Buffer }): void {
    if (this.#isOpen) this.#deliver(message.text.toString());
  }

  bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  close(code: number): void {
    if (!this.#isOpen) return;
    this.#end();
    this.#closeAtPeer(code);
  }

  /** Called when something from the device is lost: a connection delivers nothing that comes after it. */
  lose(): void {
    this.#isBroken = true;
  }

  /** Called when something arrives from the device. */
  receive(text: string): void {
    if (this.#isBroken) return;
    this.#isAlive = true;
    this.#heard();
    const { services } = this.#api;
    const message = JSON.parse(text) as ClientMessage;
    if (message.type === 'region') this.#changeRegion(message.region);
    if (!services || message.type !== 'ping') return;
    this.#deliver(JSON.stringify({ type: 'pong', serverTime: services.clock.now() }));
  }

  /** Called when the device has closed the stream. */
  end(): void {
    if (this.#isOpen) this.#end();
  }

  #end(): void {
    this.#isOpen = false;
    this.#leave();
  }

  #deliver(text: string): void {
    this.#bufferedBytes += text.length;
    if (this.#network.state !== 'ok') this.#isBroken = true;
    if (this.#isBroken) return;
    const at = Math.max(this.#time.now + this.#network.latency(), this.#lastDeliveryAt);
    this.#lastDeliveryAt = at;
    this.#time.scheduleFor(this.#peer.process, at - this.#time.now, () => {
      this.#bufferedBytes -= text.length;
      this.#peer.onMessage(text);
    });
  }

  #closeAtPeer(code: number): void {
    if (this.#network.state === 'silent' || this.#isBroken) return;
    const at = Math.max(this.#time.now + this.#network.latency(), this.#lastDeliveryAt);
    this.#time.scheduleFor(this.#peer.process, at - this.#time.now, () => this.#peer.onClose(code));
  }

  #ping(): void {
    const canAnswer = this.#network.state === 'ok' && !this.#isBroken && this.#peer.process?.state !== 'killed';
    if (!this.#isAlive && !canAnswer) this.#end();
    else this.#isAlive = canAnswer && this.#peer.process?.state !== 'paused';
  }
}

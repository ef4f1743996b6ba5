/** Follows a field by stream and keeps a copy of it, by the protocol alone: every delta must start where the copy stands. */
import type { ServerMessage } from '../../../../shared/contract/messages.ts';
import type { DeviceId, FieldId } from '../../../../shared/field/ids.ts';
import { type Region, regionKey } from '../../../../shared/field/math/region.ts';
import { Mirror } from '../../../faults/devices/mirror.ts';
import { SimProcess } from '../../kernel/sim-process.ts';
import type { Environment } from '../environment.ts';
import type { SimApi } from '../sim-api.ts';
import { DeviceNetwork } from './device-network.ts';
import { ModelSocket } from './model-socket.ts';

const reconnectMs = 300;
const probeIntervalMs = 10_000;

export class Watcher {
  readonly name: string;
  readonly field: FieldId;
  readonly network: DeviceNetwork;
  readonly mirror = new Mirror();
  /** Breaches of the protocol. */
  readonly violations: string[] = [];
  readonly #environment: Environment;
  readonly #process: SimProcess;
  /** The part of the field that it follows; undefined for the whole. */
  region: Region | undefined;
  #socket: ModelSocket | undefined;
  #hasHeard = true;

  constructor(name: string, field: FieldId, environment: Environment, apis: readonly SimApi[], region?: Region) {
    this.name = name;
    this.region = region;
    this.field = field;
    this.#environment = environment;
    this.network = new DeviceNetwork(environment, apis, name as DeviceId);
    this.#process = new SimProcess(name);
  }

  start(): void {
    this.#environment.time.scheduleFor(this.#process, 0, () => {
      this.#open();
      setInterval(() => this.#probe(), probeIntervalMs);
    });
  }

  /** Follows another part of the field. A copy of a part cannot become one of the whole. */
  move(region: Region | undefined): void {
    this.region = region;
    this.#environment.time.scheduleFor(this.#process, 0, () => {
      if (region) return this.#socket?.send(JSON.stringify({ type: 'region', region }));
      this.mirror.cursor = undefined;
      this.#socket?.close();
    });
  }

  #open(): void {
    this.#hasHeard = true;
    const query = new URLSearchParams();
    if (this.mirror.cursor !== undefined) query.set('after', this.mirror.cursor);
    if (this.region) query.set('region', regionKey(this.region));
    const deps = { environment: this.#environment, network: this.network, device: this.name };
    const socket = new ModelSocket(deps, `/api/fields/${this.field}/stream?${query}`);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }: { data: string }) => {
      this.#hasHeard = true;
      if (this.#socket === socket) this.#receive(JSON.parse(data) as ServerMessage);
    });
    socket.addEventListener('close', () => setTimeout(() => this.#open(), reconnectMs));
  }

  /** Closes a stream on which nothing has arrived since the last probe. */
  #probe(): void {
    if (!this.#hasHeard) this.#socket?.close();
    else this.#socket?.send('{"type":"ping"}');
    this.#hasHeard = false;
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'snapshot') this.mirror.applySnapshot(message);
    if (message.type !== 'delta' || this.mirror.applyDelta(message)) return;
    const { from, to } = message;
    this.violations.push(`${this.name} got a delta from ${from} to ${to} while it was at ${this.mirror.cursor}`);
    this.#socket?.close();
  }
}

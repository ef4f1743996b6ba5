/** A phone: the real client on a model of its network and its storage. It may die, sleep, and come back with old storage. */
import { createFieldClient } from '../../../../client/field-client.ts';
import { persistentStorage } from '../../../../client/storage/persistent-storage.ts';
import type { FieldClient, OutboxEntry, TransportName } from '../../../../client/types.ts';
import type { DeviceId, FieldId } from '../../../../shared/field/ids.ts';
import type { Region } from '../../../../shared/field/math/region.ts';
import type { SentUpdate } from '../../../../shared/field/update.ts';
import { SimProcess } from '../../kernel/sim-process.ts';
import type { Environment } from '../environment.ts';
import type { SimApi } from '../sim-api.ts';
import { DeviceNetwork } from './device-network.ts';
import { DeviceStorage } from './device-storage.ts';
import { contentOf, type Edit, type Ledger } from './ledger.ts';

export interface DeviceOptions {
  readonly name: string;
  readonly device: DeviceId;
  readonly field: FieldId;
  readonly transports: readonly TransportName[];
  readonly region?: Region;
}

export interface DeviceDeps {
  readonly environment: Environment;
  readonly apis: readonly SimApi[];
  readonly ledger: Ledger;
}

export class SimDevice {
  readonly options: DeviceOptions;
  readonly network: DeviceNetwork;
  readonly storage: DeviceStorage;
  process: SimProcess;
  clockOffsetMs = 0;
  readonly #deps: DeviceDeps;
  /** The edits of this device by what they change, oldest first. */
  readonly #edits: Edit[] = [];
  #client: FieldClient | undefined;
  #copy: ReadonlyMap<string, string>;

  constructor(options: DeviceOptions, deps: DeviceDeps) {
    this.options = options;
    this.#deps = deps;
    this.network = new DeviceNetwork(deps.environment, deps.apis, options.device, (text) =>
      deps.ledger.recordText(options.device, text),
    );
    this.storage = new DeviceStorage(deps.environment.time);
    this.process = new SimProcess(options.name);
    this.#copy = this.storage.copy();
  }

  /** Undefined while the app does not run. */
  get client(): FieldClient | undefined {
    return this.process.state === 'killed' ? undefined : this.#client;
  }

  start(): void {
    const { environment } = this.#deps;
    this.process = new SimProcess(this.options.name, this.clockOffsetMs);
    environment.time.scheduleFor(this.process, 0, () => {
      const client = this.#createClient();
      this.#client = client;
      client.on('update', (entry) => this.#observe(entry));
      client.start().catch((error) => environment.time.uncaught.push({ process: this.options.name, error }));
    });
  }

  /** Makes a change, unless the app does not run. */
  edit(change: (client: FieldClient) => OutboxEntry): void {
    const { client } = this;
    if (!client || this.process.state !== 'running') return;
    const { field, device } = this.options;
    this.#deps.environment.time.scheduleFor(this.process, 0, () => {
      const { update } = change(client);
      this.#edits.push(this.#deps.ledger.recordEdit(field, device, update));
    });
  }

  /** Shows another part of the field, unless the app does not run. */
  move(region: Region | undefined): void {
    const { client } = this;
    if (!client || this.process.state !== 'running') return;
    this.#deps.environment.time.scheduleFor(this.process, 0, () => client.setRegion(region ?? null));
  }

  /** The app dies. What it had neither stored nor seen accepted may be lost. */
  kill(): void {
    this.process.kill();
    this.#client = undefined;
    this.#forgetUnstored(this.storage.copy());
  }

  /** What a backup of the device would contain. */
  keepCopy(): void {
    this.#copy = this.storage.copy();
  }

  /** Whether the server has the result of everything that was written here. */
  get isSettled(): boolean {
    return this.client !== undefined && this.client.pending === 0;
  }

  /** The device is restored from its backup. */
  restoreCopy(): void {
    this.kill();
    this.storage.restore(this.#copy);
    this.#forgetUnstored(this.#copy);
  }

  #createClient(): FieldClient {
    const { device, field, transports, region } = this.options;
    return createFieldClient({
      url: 'http://api',
      field,
      token: createToken(device),
      storage: persistentStorage(this.storage.open()),
      transports,
      ...(region && { region }),
      fetch: this.network.fetch,
      WebSocket: this.network.createSocketConstructor(),
      wakeOn: () => () => undefined,
    });
  }

  #observe({ update, status, version, counter }: OutboxEntry): void {
    if (status === 'queued') return;
    const content = contentOf(update);
    const isDone = status === 'applied' || status === 'conflict';
    const edits = this.#edits.filter((edit) => edit.content === content);
    const edit = edits.find(({ isSettled, isAccepted }) => (isDone ? !isSettled : !isAccepted)) ?? edits[0];
    if (!edit) return;
    edit.isAccepted = true;
    edit.counter = counter;
    if (!isDone) return;
    edit.isSettled = true;
    edit.appliedAt = version;
  }

  #forgetUnstored(values: ReadonlyMap<string, string>): void {
    const stored = [...values].flatMap(([key, value]) => (key.includes('/outbox/') ? [readContent(value)] : []));
    // Edits with the same content were stored in the order in which they were made.
    for (const edit of this.#edits) {
      const index = stored.indexOf(edit.content);
      if (index >= 0) {
        stored.splice(index, 1);
        continue;
      }
      edit.isForgotten = true;
      if (!edit.isAccepted) edit.mayBeLost = true;
    }
  }
}

function readContent(stored: string): string {
  return contentOf((JSON.parse(stored) as { update: SentUpdate }).update);
}

/** Only its claims are read: the APIs of the simulation verify no tokens. */
function createToken(device: string): string {
  return `header.${btoa(JSON.stringify({ device }))}.signature`;
}

/**
 * A device that follows the contract: numbers its updates, keeps a hybrid clock on a skewed wall clock, sends its true
 * causal context, and keeps every update until it has a receipt, or longer if a tail of the history may be lost
 * (`Ledger.mayLoseTail`). Within the contract it is adversarial: it sends several batches concurrently, out of order, and
 * some of them twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerMessage } from '../../../shared/contract/messages.ts';
import type { Cursor } from '../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { type CausalityFormat, causalityFormats } from '../../unit/field/support/honest-devices.ts';
import { type Random, seededRandom } from '../../unit/field/support/seeded-random.ts';
import { CausalContext } from './causal-context.ts';
import { randomChange } from './changes.ts';
import type { FieldDevice } from './field-device.ts';
import type { Ledger } from './ledger.ts';
import type { View } from './mirror.ts';
import { Outbox } from './outbox.ts';
import { postUpdates } from './post-updates.ts';
import { Watcher } from './watcher.ts';

const connections = 3;
const maxSkewMs = 4000;
/** As in the client. */
const resultTimeoutMs = 10_000;

export interface DeviceOptions {
  readonly id: DeviceId;
  readonly field: FieldId;
  readonly token: string;
  readonly addresses: readonly string[];
  readonly seed: number;
  readonly ledger: Ledger;
}

export class Device implements FieldDevice {
  /** It has no process of its own. */
  readonly restarts = 0;
  readonly id: DeviceId;
  readonly field: FieldId;
  readonly #watcher: Watcher;
  readonly #options: DeviceOptions;
  readonly #random: Random;
  readonly #causalContext = new CausalContext();
  readonly #causalityFormat: CausalityFormat;
  readonly #skewMs: number;
  readonly #outbox: Outbox;
  #counter = 0;
  #inFlight = 0;
  #closed = false;

  constructor(options: DeviceOptions) {
    const { id, field, token, addresses, seed, ledger } = options;
    this.id = id;
    this.field = field;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#outbox = new Outbox(this.#random);
    this.#causalityFormat = this.#random.pick(causalityFormats);
    this.#skewMs = this.#random.below(2 * maxSkewMs) - maxSkewMs;
    this.#watcher = new Watcher({
      field,
      token,
      addresses,
      random: seededRandom(seed + 1),
      onMessage: (message) => this.#observe(message),
      onAnomaly: (anomaly) => ledger.anomalies.push(`${id}: ${anomaly}`),
    });
    for (let connection = 0; connection < connections; connection += 1) void this.#drainOutbox();
  }

  get isDrained(): boolean {
    const { ledger } = this.#options;
    return this.#inFlight === 0 && (ledger.mayLoseTail ? this.#outbox.isApplied : this.#outbox.isEmpty);
  }

  get cursor(): Cursor | undefined {
    return this.#watcher.mirror.cursor;
  }

  get reconnects(): number {
    return this.#watcher.reconnects;
  }

  async readView(): Promise<View> {
    return this.#watcher.mirror.view();
  }

  write(): void {
    const { ledger, field } = this.#options;
    const { cursor, newestTimestamp } = this.#causalContext;
    const sendsSeen = this.#causalityFormat === 'seen' || this.#causalityFormat === 'both';
    const sendsClock = this.#causalityFormat === 'clock' || this.#causalityFormat === 'both';
    const timestamp = Math.max(Date.now() + this.#skewMs, newestTimestamp + 1);
    this.#causalContext.newestTimestamp = timestamp;
    this.#counter += 1;
    const update = {
      ...randomChange(this.#random),
      counter: this.#counter,
      timestamp,
      seen: sendsSeen ? cursor : 0,
      ...(sendsClock ? { clock: this.#causalContext.clock() } : {}),
    } as SentUpdate;
    ledger.add({ field, device: this.id, update, writtenAt: performance.now() });
    this.#outbox.add(update);
  }

  close(): void {
    this.#closed = true;
    this.#watcher.close();
  }

  #observe(message: ServerMessage): void {
    if (message.type === 'snapshot') {
      this.#causalContext.observeTimestamp(message.state.maxTimestamp);
      this.#causalContext.cursor = message.cursor;
      if (message.reason === 'unknown-cursor') this.#recoverFromLostTail(message.cursor);
    }
    if (message.type === 'delta') this.#observeDelta(message);
  }

  #observeDelta({ updates, to, maxTimestamp }: Extract<ServerMessage, { type: 'delta' }>): void {
    const { ledger } = this.#options;
    for (const { device, counter, outcome } of updates) {
      this.#causalContext.observe(device, counter);
      ledger.recordSeen(device, counter);
      if (device === this.id) this.#outbox.recordApplied(counter);
      if (outcome === 'reused')
        ledger.anomalies.push(`${device} received the outcome "reused" for its counter ${counter}`);
    }
    this.#causalContext.observeTimestamp(maxTimestamp);
    this.#causalContext.cursor = to;
  }

  /** What was applied in the history that has ended is sent again, under the same counters. */
  #recoverFromLostTail(cursor: Cursor): void {
    const { ledger } = this.#options;
    if (!ledger.mayLoseTail) ledger.anomalies.push(`${this.id}: its cursor was unknown; snapshot at ${cursor}`);
    ledger.recordUnknownCursor();
    ledger.recordResentAccepted(this.#outbox.resendAll());
  }

  async #drainOutbox(): Promise<void> {
    const { ledger } = this.#options;
    while (!this.#closed) {
      const batch = this.#outbox.takeBatch();
      if (batch.length === 0) {
        if (ledger.mayLoseTail) {
          ledger.recordResentAccepted(this.#outbox.resendWithoutResult(performance.now() - resultTimeoutMs));
        }
        await delay(20 + this.#random.below(40));
        continue;
      }
      this.#inFlight += 1;
      await this.#deliver(batch);
      this.#inFlight -= 1;
    }
  }

  /** Sends a batch until it has a receipt, and 15 % of batches once more. */
  async #deliver(batch: readonly SentUpdate[]): Promise<void> {
    const { ledger } = this.#options;
    for (let attempt = 1; !this.#closed; attempt += 1) {
      const durability = await this.#send(batch);
      if (durability !== undefined) {
        ledger.recordAccepted(this.id, batch, durability);
        this.#outbox.keep(batch);
        break;
      }
      ledger.resends += 1;
      await delay(Math.min(1000, 50 * 2 ** attempt) * (0.5 + this.#random.next()));
    }
    if (!this.#random.chance(0.15)) return;
    ledger.resends += 1;
    await this.#send(batch);
  }

  /** Sends over the socket or to a random API. @returns the durability that the receipt states, or undefined without one */
  async #send(batch: readonly SentUpdate[]): Promise<string | undefined> {
    const { addresses, token, ledger } = this.#options;
    const isOverSocket = this.#random.chance(0.25);
    const address = this.#random.pick(addresses);
    if (isOverSocket && this.#watcher.isOpen) return this.#watcher.send(batch);
    const response = await postUpdates({ address, field: this.field, token, updates: batch });
    ledger.recordStatus(response.status);
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      ledger.anomalies.push(`${this.id}: a valid update was rejected: ${response.status} ${response.text}`);
    }
    return response.durability;
  }
}

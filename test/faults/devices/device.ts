/**
 * A device that follows the contract: numbers its updates, keeps a hybrid clock on a skewed wall clock, sends its true
 * causal context, and keeps every update in its outbox until it has a receipt. Within the contract it is adversarial: it
 * sends several batches concurrently, out of order, and some of them twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerMessage } from '../../../shared/contract/stream.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';
import { type CausalityFormat, causalityFormats } from '../../unit/field/support/honest-devices.ts';
import { type Random, seededRandom } from '../../unit/field/support/seeded-random.ts';
import { CausalContext } from './causal-context.ts';
import { randomChange } from './changes.ts';
import type { Ledger } from './ledger.ts';
import { postUpdates } from './post-updates.ts';
import { Watcher } from './watcher.ts';

const connections = 3;
const maxBatch = 6;
const maxSkewMs = 4000;
const reorderWindow = 8;

export interface DeviceOptions {
  readonly id: DeviceId;
  readonly field: FieldId;
  readonly token: string;
  readonly addresses: readonly string[];
  readonly seed: number;
  readonly ledger: Ledger;
}

export class Device {
  readonly id: DeviceId;
  readonly field: FieldId;
  readonly watcher: Watcher;
  readonly #options: DeviceOptions;
  readonly #random: Random;
  readonly #causalContext = new CausalContext();
  readonly #causalityFormat: CausalityFormat;
  readonly #skewMs: number;
  readonly #outbox: Update[] = [];
  #counter = 0;
  #inFlight = 0;
  #closed = false;

  constructor(options: DeviceOptions) {
    const { id, field, token, addresses, seed, ledger } = options;
    this.id = id;
    this.field = field;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#causalityFormat = this.#random.pick(causalityFormats);
    this.#skewMs = this.#random.below(2 * maxSkewMs) - maxSkewMs;
    this.watcher = new Watcher({
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
    return this.#outbox.length === 0 && this.#inFlight === 0;
  }

  /** Creates a random update and adds it to the outbox. */
  write(): void {
    const { ledger, field } = this.#options;
    const { version, newestTimestamp } = this.#causalContext;
    const sendsSeen = this.#causalityFormat === 'seen' || this.#causalityFormat === 'both';
    const sendsClock = this.#causalityFormat === 'clock' || this.#causalityFormat === 'both';
    const timestamp = Math.max(Date.now() + this.#skewMs, newestTimestamp + 1);
    this.#causalContext.newestTimestamp = timestamp;
    this.#counter += 1;
    const update = {
      ...randomChange(this.#random),
      counter: this.#counter,
      timestamp,
      seen: sendsSeen ? version : 0,
      ...(sendsClock ? { clock: this.#causalContext.clock() } : {}),
    } as Update;
    ledger.add({ field, device: this.id, update, writtenAt: performance.now() });
    this.#outbox.push(update);
  }

  close(): void {
    this.#closed = true;
    this.watcher.close();
  }

  #observe(message: ServerMessage): void {
    const { ledger, field } = this.#options;
    if (message.type === 'snapshot') {
      this.#causalContext.version = versionOf(message.cursor);
      this.#causalContext.newestTimestamp = Math.max(
        this.#causalContext.newestTimestamp,
        ledger.newestTimestamp(field),
      );
    }
    if (message.type !== 'delta') return;
    for (const { device, counter, outcome } of message.updates) {
      const timestamp = ledger.find(device, counter)?.update.timestamp ?? 0;
      this.#causalContext.observe(device, counter, timestamp);
      ledger.recordSeen(device, counter);
      if (outcome === 'reused')
        ledger.anomalies.push(`${device} received the outcome "reused" for its counter ${counter}`);
    }
    this.#causalContext.version = versionOf(message.to);
  }

  async #drainOutbox(): Promise<void> {
    while (!this.#closed) {
      const batch = this.#nextBatch();
      if (batch.length === 0) {
        await delay(20 + this.#random.below(40));
        continue;
      }
      this.#inFlight += 1;
      await this.#deliver(batch);
      this.#inFlight -= 1;
    }
  }

  /** Takes consecutive updates from the outbox, in 30 % of cases not starting with the oldest. */
  #nextBatch(): Update[] {
    const { length } = this.#outbox;
    const start = this.#random.chance(0.3) ? this.#random.below(Math.min(length, reorderWindow)) : 0;
    return this.#outbox.splice(start, 1 + this.#random.below(maxBatch));
  }

  /** Sends a batch until it has a receipt, and 15 % of batches once more. */
  async #deliver(batch: readonly Update[]): Promise<void> {
    const { ledger } = this.#options;
    for (let attempt = 1; !this.#closed; attempt += 1) {
      const durability = await this.#send(batch);
      if (durability !== undefined) {
        ledger.recordAccepted(this.id, batch, durability);
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
  async #send(batch: readonly Update[]): Promise<string | undefined> {
    const { addresses, token, ledger } = this.#options;
    const isOverSocket = this.#random.chance(0.25);
    const address = this.#random.pick(addresses);
    if (isOverSocket && this.watcher.isOpen) return this.watcher.send(batch);
    const response = await postUpdates({ address, field: this.field, token, updates: batch });
    ledger.recordStatus(response.status);
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      ledger.anomalies.push(`${this.id}: a valid update was rejected: ${response.status} ${response.text}`);
    }
    return response.durability;
  }
}

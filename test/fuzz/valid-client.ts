/** A valid client that works during the attack: sends updates over HTTP and its socket, and watches its field. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ServerMessage } from '../../shared/contract/messages.ts';
import { stateSchema } from '../../shared/contract/state.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { viewOf } from '../faults/devices/mirror.ts';
import { postUpdates } from '../faults/devices/post-updates.ts';
import { Watcher } from '../faults/devices/watcher.ts';
import { putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';

const pauseMs = 20;

interface ValidClientOptions {
  readonly address: string;
  readonly field: FieldId;
  readonly token: string;
  readonly reportViolation: (violation: string) => void;
}

export class ValidClient {
  readonly #options: ValidClientOptions;
  readonly #watcher: Watcher;
  readonly #applied = new Map<number, string>();
  #counter = 0;
  #isStopped = false;
  #running: Promise<void>;
  /** The longest time until an update was accepted. */
  slowestMs = 0;

  constructor(options: ValidClientOptions) {
    this.#options = options;
    const { address, field, token, reportViolation } = options;
    this.#watcher = new Watcher({
      field,
      token,
      addresses: [address],
      random: seededRandom(1),
      onMessage: (message) => this.#recordOutcomes(message),
      onAnomaly: reportViolation,
    });
    this.#running = this.#run();
  }

  get sent(): number {
    return this.#counter;
  }

  /** Stops sending, and checks that each update was applied once and that the watched state equals the stored state. */
  async finish(): Promise<void> {
    const { address, field, token, reportViolation } = this.#options;
    this.#isStopped = true;
    await this.#running;
    const { mirror } = this.#watcher;
    await waitUntil('the valid client has received all its updates', () => mirror.version === this.#counter).catch(
      () => {
        reportViolation(
          `the valid client sent ${this.#counter} updates, but its field reached version ${mirror.version}`,
        );
      },
    );
    const response = await fetch(`${address}/api/fields/${field}`, { headers: { authorization: `Bearer ${token}` } });
    const state = stateSchema.parse(await response.json());
    if (state.version !== this.#counter)
      reportViolation(`the field is at version ${state.version} after ${this.#counter} updates`);
    if (!isDeepStrictEqual(mirror.view(), viewOf(state)))
      reportViolation('the watched state differs from the state that is read');
    if (this.#watcher.reconnects > 0)
      reportViolation(`the socket of the valid client broke ${this.#watcher.reconnects} times`);
    for (let counter = 1; counter <= this.#counter; counter++) {
      const outcome = this.#applied.get(counter);
      if (outcome !== 'applied') reportViolation(`the valid update ${counter} was ${outcome ?? 'not received'}`);
    }
    this.#watcher.close();
  }

  async #run(): Promise<void> {
    await waitUntil('the valid client is subscribed', () => this.#watcher.mirror.cursor !== undefined);
    while (!this.#isStopped) {
      await this.#send();
      await delay(pauseMs);
    }
  }

  async #send(): Promise<void> {
    const { address, field, token, reportViolation } = this.#options;
    const first = ++this.#counter;
    const cell = setCell(first, first % 30, (first % 100) / 100, { timestamp: Date.now() });
    const updates = [
      cell,
      putParticle(++this.#counter, `p-${first % 20}`, { resonance: 0.6 }, { timestamp: Date.now() }),
    ];
    const startedAt = performance.now();
    const isPosted = first % 4 === 1;
    const durability = isPosted
      ? (await postUpdates({ address, field, token, updates })).durability
      : await this.#watcher.send(updates);
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
    if (durability !== 'fsync') reportViolation(`the valid update ${first} was not accepted (${durability})`);
  }

  #recordOutcomes(message: ServerMessage): void {
    if (message.type !== 'delta') return;
    for (const { counter, outcome } of message.updates) {
      if (this.#applied.has(counter)) this.#options.reportViolation(`the valid update ${counter} was received twice`);
      this.#applied.set(counter, outcome);
    }
  }
}

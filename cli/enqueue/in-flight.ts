/** The updates that were accepted and are not yet known to be applied, bounded in number and size. */
import type { DeviceId } from '../../shared/field/ids.ts';
import type { DeviceUpdate } from './input/parse-line.ts';

const maxUpdates = 10_000;
const maxCharacters = 32 * 1024 * 1024;

export interface SentUpdate extends DeviceUpdate {
  /** Identifies the update's job, together with device and counter. */
  readonly acceptedAt: number;
}

export class InFlight {
  readonly #updates = new Map<string, SentUpdate>();
  #characters = 0;

  get size(): number {
    return this.#updates.size;
  }

  get hasCapacity(): boolean {
    return this.#updates.size < maxUpdates && this.#characters < maxCharacters;
  }

  find(key: UpdateKey): SentUpdate | undefined {
    return this.#updates.get(formatUpdateKey(key));
  }

  /** The update must not be in flight already. */
  add(update: SentUpdate): void {
    this.#updates.set(formatUpdateKey(toUpdateKey(update)), update);
    this.#characters += update.size;
  }

  remove(update: SentUpdate): void {
    if (this.#updates.delete(formatUpdateKey(toUpdateKey(update)))) this.#characters -= update.size;
  }

  /** All updates in the order of sending. */
  list(): SentUpdate[] {
    return [...this.#updates.values()];
  }
}

export interface UpdateKey {
  readonly device: DeviceId;
  readonly counter: number;
}

export function toUpdateKey({ device, update }: DeviceUpdate): UpdateKey {
  return { device, counter: update.counter };
}

export function formatUpdateKey({ device, counter }: UpdateKey): string {
  return `${device} ${counter}`;
}

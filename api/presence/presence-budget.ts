/** Bounds the bytes of data that the devices of a field show through this process, in all and by user. */
import { FieldError } from '../../shared/errors.ts';

export const maxPresenceBytesPerUser = 64 * 1024;
export const maxPresenceBytesPerField = 1024 * 1024;

interface Spending {
  readonly user: string;
  readonly bytes: number;
}

export class PresenceBudget {
  readonly #byDevice = new Map<string, Spending>();
  readonly #byUser = new Map<string, number>();
  #total = 0;

  /** Replaces what the device has spent. @throws FieldError `presence_full` */
  spend(device: string, { user, bytes }: Spending): void {
    const former = this.#byDevice.get(device);
    const ofUser = (this.#byUser.get(user) ?? 0) + bytes - (former?.user === user ? former.bytes : 0);
    const ofField = this.#total + bytes - (former?.bytes ?? 0);
    if (ofUser > maxPresenceBytesPerUser) throw createError("The devices of the token's user show too much data");
    if (ofField > maxPresenceBytesPerField) throw createError('The devices of the field show too much data');
    this.release(device);
    this.#byDevice.set(device, { user, bytes });
    this.#add(user, bytes);
  }

  release(device: string): void {
    const spending = this.#byDevice.get(device);
    if (!spending) return;
    this.#byDevice.delete(device);
    this.#add(spending.user, -spending.bytes);
  }

  #add(user: string, bytes: number): void {
    this.#total += bytes;
    const ofUser = (this.#byUser.get(user) ?? 0) + bytes;
    if (ofUser > 0) this.#byUser.set(user, ofUser);
    else this.#byUser.delete(user);
  }
}

function createError(detail: string): FieldError {
  return new FieldError('presence_full', { detail, retryAfterSeconds: 5 });
}

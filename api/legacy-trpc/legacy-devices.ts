/**
 * The identity of an app that has no token. Its device id is a keyed hash of the name that the app has chosen and of its network,
 * so sending someone else's name from another network gives another device. No response and no state contains names. A change
 * without a number of its own gets a counter here, under device ids that are unique to this process, so that two processes never
 * assign the same one.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Claims } from '../../shared/contract/token.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { canonicalJson } from '../../shared/history/canonical-json.ts';
import { authorizeWriter, type Writer } from '../auth/field-auth.ts';
import { addressKey } from '../rate-limits/address-key.ts';

const idCharacters = 32;
/** An evicted device gets another id, under which its counters start again. */
const maxRemembered = 50_000;

export interface LegacyDevice {
  /** `legacy:` and a hash. */
  readonly id: DeviceId;
  readonly address: string;
}

interface Series {
  readonly device: DeviceId;
  counter: number;
}

interface LegacyDevicesOptions {
  readonly field: FieldId;
  /** The same for all processes of an installation. */
  readonly secret: string;
}

export class LegacyDevices {
  readonly #options: LegacyDevicesOptions;
  readonly #series = new LRUCache<DeviceId, Series>({ max: maxRemembered });

  constructor(options: LegacyDevicesOptions) {
    this.#options = options;
  }

  identify(nodeId: string, address: string): LegacyDevice {
    const hash = createHmac('sha256', this.#options.secret)
      .update(canonicalJson(['device of the original', nodeId, addressKey(address)]))
      .digest('hex');
    return { id: `legacy:${hash.slice(0, idCharacters)}` as DeviceId, address };
  }

  /** The device as a writer; `device` is one of its ids. All its ids are charged, and can be revoked, as one user. */
  createWriter({ id, address }: LegacyDevice, device: DeviceId): Writer {
    const { field } = this.#options;
    const claims: Claims = { sub: id, device, fields: [field], scope: ['field:write'], exp: 0 };
    return authorizeWriter(claims, field, address);
  }

  /** The id and the counter for a change that has no number. */
  assignCounter({ id }: LegacyDevice): { readonly device: DeviceId; readonly counter: number } {
    const known = this.#series.get(id);
    const series = known ?? { device: `${id}:${randomBytes(8).toString('hex')}` as DeviceId, counter: 0 };
    if (!known) this.#series.set(id, series);
    series.counter += 1;
    return { device: series.device, counter: series.counter };
  }
}

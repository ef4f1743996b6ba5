/**
 * Limits how many fields a user may create, and how many devices a user may write with, per day. Unlike an update, each of them
 * costs memory and disk permanently. A field that may exist is not counted: updates are accepted even if neither the cache nor
 * PostgreSQL answers.
 */

import type { FieldReader } from '../../db/read/field-reader.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { createSparseCache } from '../../shared/process/sparse-cache.ts';
import { withTimeoutValue } from '../../shared/process/with-timeout.ts';
import type { Caller } from '../rate-limits/caller.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import type { LatestVersions } from '../state/latest-versions.ts';

const maxRemembered = 50_000;
/** If there is no answer within this time, the field is not counted. */
const lookupTimeoutMs = 500;

interface NewcomerLimitsDeps {
  readonly reader: Pick<FieldReader, 'readCursor'>;
  readonly versions: Pick<LatestVersions, 'get'>;
  readonly limits: Pick<RateLimits, 'newFields' | 'newDevices'>;
}

interface Newcomer {
  readonly caller: Caller;
  readonly field: FieldId;
  readonly device: DeviceId;
}

export class NewcomerLimits {
  readonly #deps: NewcomerLimitsDeps;
  /** Fields that exist, or that some user was charged for. */
  readonly #fields = createSparseCache<FieldId, true>({ maxEntries: maxRemembered });
  /** Devices that their users were charged for, as `user device`. */
  readonly #devices = createSparseCache<string, true>({ maxEntries: maxRemembered });

  constructor(deps: NewcomerLimitsDeps) {
    this.#deps = deps;
  }

  /** @throws FieldError `too_many_fields` or `too_many_devices` */
  async charge({ caller, field, device }: Newcomer): Promise<void> {
    const { limits } = this.#deps;
    const deviceKey = `${caller.user} ${device}`;
    if (!this.#devices.has(deviceKey)) {
      limits.newDevices.consume(caller, 1);
      this.#devices.set(deviceKey, true);
    }
    if (this.#fields.has(field)) return;
    if (await this.#isNew(field)) limits.newFields.consume(caller, 1);
    this.#fields.set(field, true);
  }

  async #isNew(field: FieldId): Promise<boolean> {
    const { reader, versions } = this.#deps;
    if ((await versions.get(field)) > 0) return false;
    const isMissing = reader.readCursor(field).then(
      (cursor) => cursor === undefined,
      () => false,
    );
    return withTimeoutValue(isMissing, lookupTimeoutMs, false);
  }
}

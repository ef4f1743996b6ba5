/** Writes the changes of apps of the original system like all other updates, and waits for the results within the app's timeout. */
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { RevocationList } from '../../shared/auth/revocation-list.ts';
import { FieldError } from '../../shared/errors.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { EventType, SentUpdate } from '../../shared/field/update.ts';
import type { ServerClock } from '../server-clock.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import type { AcceptUpdates } from '../updates/accept-updates.ts';
import type { PendingReplies } from '../updates/pending-replies.ts';
import { type Applied, waitUntilApplied } from '../updates/wait-until-applied.ts';
import type { LegacyDevice, LegacyDevices } from './legacy-devices.ts';
import type { LegacyRequest } from './trpc.ts';

/** The original's client gives up after five seconds. */
const waitMs = 3000;
const retryAfterSeconds = 2;

type Change = DistributiveOmit<SentUpdate, 'counter' | 'timestamp' | 'seen' | 'clock'>;
type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

interface WriteOptions {
  readonly device: LegacyDevice;
  readonly change: Change;
  /** Now, unless given. */
  readonly timestamp?: number;
  readonly request: LegacyRequest;
}

interface WriteResult extends Applied {
  /** Whether the fallback was written, under a counter that was assigned here. */
  readonly isFallback: boolean;
}

interface NumberedWriteOptions extends WriteOptions {
  /** One of the device's ids. Counters are unique within it. */
  readonly series: DeviceId;
  readonly counter: number;
  /** Written instead if another change already has this counter. The original allowed that, so no change may be lost. */
  readonly fallback: Change;
}

interface LegacyWriterDeps {
  readonly field: FieldId;
  readonly devices: LegacyDevices;
  readonly acceptUpdates: AcceptUpdates;
  readonly replies: PendingReplies;
  readonly reader: Pick<FieldReader, 'readResults'>;
  readonly versions: Pick<LatestVersions, 'observe' | 'isReadable'>;
  readonly clock: Pick<ServerClock, 'now'>;
  readonly revocations: Pick<RevocationList, 'isRevoked'>;
}

export class LegacyWriter {
  readonly #deps: LegacyWriterDeps;

  constructor(deps: LegacyWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Writes a change that the app has numbered, so that a repetition of it is recognised.
   * @returns the result; undefined only if that of the fallback is not known in time
   * @throws FieldError `overloaded` if it is not known in time whether the counter was taken, and those of `AcceptUpdates`
   */
  async writeNumbered({ fallback, ...options }: NumberedWriteOptions): Promise<WriteResult | undefined> {
    const applied = await this.#send(options.series, options.counter, options);
    // Success cannot be reported: the change is not applied if its counter was used before. The app may send it again.
    if (!applied) throw new FieldError('overloaded', { retryAfterSeconds });
    if (applied.results[0]?.outcome !== 'reused') return { ...applied, isFallback: false };
    return this.write({ ...options, change: fallback });
  }

  /** Writes a change without a number; a repetition is another change. @throws FieldError `token_revoked`, and those of `AcceptUpdates` */
  async write(options: WriteOptions): Promise<WriteResult | undefined> {
    const { device, counter } = this.#deps.devices.assignCounter(options.device);
    const applied = await this.#send(device, counter, options);
    return applied && { ...applied, isFallback: true };
  }

  /** @throws FieldError `token_revoked`, and those of `AcceptUpdates` */
  emit(device: LegacyDevice, type: EventType, options: { intensity?: number | undefined; request: LegacyRequest }) {
    const { intensity, request } = options;
    return this.write({
      device,
      request,
      change: { kind: 'event', type, ...(intensity === undefined ? {} : { intensity }) },
    });
  }

  async #send(series: DeviceId, counter: number, { device, change, timestamp, request }: WriteOptions) {
    const { field, devices, acceptUpdates, replies, reader, versions, clock, revocations } = this.#deps;
    // A revocation names the device, not its series.
    const identity = { user: device.id, device: device.id, tokenId: undefined, issuedAt: undefined };
    if (revocations.isRevoked(identity)) throw new FieldError('token_revoked');
    const writer = devices.createWriter(device, series);
    // The app does not report which state it had seen, so its writes count as concurrent with all others.
    const update = { ...change, counter, timestamp: timestamp ?? Math.floor(clock.now()), seen: 0 } as SentUpdate;
    const pendingReply = replies.open();
    try {
      const deadline = performance.now() + waitMs;
      const accepted = await acceptUpdates({ writer, updates: [update], replyTo: pendingReply.address });
      request.releaseBody();
      const sent = { field, device: series, updates: [update], sentAt: accepted.serverTime };
      const deps = { replies, reader, versions, log: request.log };
      return await waitUntilApplied(deps, { sent, pendingReply, deadline });
    } finally {
      pendingReply.close();
    }
  }
}

/** Writes what apps of the original system send, on the same path as all updates, and waits for the results as long as such an app does. */
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
  /** Whether the fallback was written, under a number that was given here. */
  readonly isFallback: boolean;
}

interface NumberedWriteOptions extends WriteOptions {
  /** The numbers are unique within a series, which is one of the ids of the device. */
  readonly series: DeviceId;
  readonly counter: number;
  /** What is written if another change had this number already. The original did not forbid that: nothing may be lost by it. */
  readonly fallback: Change;
}

interface LegacyWriterDeps {
  readonly field: FieldId;
  readonly devices: LegacyDevices;
  readonly acceptUpdates: AcceptUpdates;
  readonly replies: PendingReplies;
  readonly reader: Pick<FieldReader, 'readResults'>;
  readonly versions: Pick<LatestVersions, 'observe'>;
  readonly clock: Pick<ServerClock, 'now'>;
  readonly revocations: Pick<RevocationList, 'isRevoked'>;
}

export class LegacyWriter {
  readonly #deps: LegacyWriterDeps;

  constructor(deps: LegacyWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Writes a change that the app has numbered: a repetition of it is recognised.
   * @returns the result; undefined only if that of the fallback is not known in time
   * @throws FieldError `overloaded` if it is not known in time whether another change had the number, and those of `AcceptUpdates`
   */
  async writeNumbered({ fallback, ...options }: NumberedWriteOptions): Promise<WriteResult | undefined> {
    const applied = await this.#send(options.series, options.counter, options);
    // A success might be wrong, since the change is not applied if its number was used before. The app may send it again.
    if (!applied) throw new FieldError('overloaded', { retryAfterSeconds });
    if (applied.results[0]?.outcome !== 'reused') return { ...applied, isFallback: false };
    return this.write({ ...options, change: fallback });
  }

  /** Writes a change without a number: a repetition is another change. @throws FieldError `token_revoked`, and those of `AcceptUpdates` */
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
    // Its series are not revoked one by one.
    const identity = { user: device.id, device: device.id, tokenId: undefined, issuedAt: undefined };
    if (revocations.isRevoked(identity)) throw new FieldError('token_revoked');
    const writer = devices.createWriter(device, series);
    // The app does not say which state it had seen: its writes count as concurrent to all others.
    const update = { ...change, counter, timestamp: timestamp ?? Math.floor(clock.now()), seen: 0 } as SentUpdate;
    const pendingReply = replies.open();
    try {
      const deadline = performance.now() + waitMs;
      const accepted = await acceptUpdates({ writer, updates: [update], replyTo: pendingReply.address });
      request.releaseBody();
      const sent = { field, device: series, updates: [update], sentAt: accepted.serverTime };
      const applied = await waitUntilApplied({ replies, reader, log: request.log }, { sent, pendingReply, deadline });
      if (applied) versions.observe(field, applied.version);
      return applied;
    } finally {
      pendingReply.close();
    }
  }
}

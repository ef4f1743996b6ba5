/**
 * Accepts updates: checks what schemas cannot, and adds them to the queue. An accepted update is never lost. Does not wait
 * for PostgreSQL unless a counter is far above those known. Whether the device may write, and whether there is capacity, is
 * checked before: for requests by the route's hooks, for messages by `createAcceptMessage`.
 */
import type { RevocationList } from '../../shared/auth/revocation-list.ts';
import type { Grant, ReplyAddress } from '../../shared/contract/job.ts';
import type { Accepted } from '../../shared/contract/messages.ts';
import type { Claims } from '../../shared/contract/token.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import { estimateJobBytes } from '../../shared/queue/job-size.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { clampTimestamps } from '../../shared/updates/clamp-timestamps.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';
import type { CounterGapCheck } from '../admission/counter-gap-check.ts';
import type { NewcomerLimits } from '../admission/newcomer-limits.ts';
import { authorizeWriter, type Writer } from '../auth/field-auth.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { Presence } from '../presence/presence.ts';
import type { CallerLimiter } from '../rate-limits/caller-limiter.ts';
import type { ServerClock } from '../server-clock.ts';
import type { LatestVersions } from '../state/latest-versions.ts';

interface AcceptUpdatesOptions {
  readonly writer: Writer;
  readonly updates: readonly SentUpdate[];
  /** Where the results are awaited, if they are. */
  readonly replyTo?: ReplyAddress | undefined;
  /** The id of the HTTP request that they came with. */
  readonly request?: string;
  /** Whether workers take them only when nothing of normal priority is waiting. */
  readonly isLowPriority?: boolean;
}

/**
 * @throws FieldError `rate_limited`, `too_many_fields`, `too_many_devices`, `counter_too_far`, `token_revoked`,
 * `database_unavailable` or `queue_unavailable`
 */
export type AcceptUpdates = (options: AcceptUpdatesOptions) => Promise<Accepted>;

interface AcceptUpdatesDeps {
  readonly clock: Pick<ServerClock, 'now'>;
  readonly producer: Pick<UpdateProducer, 'enqueue'>;
  readonly limits: { readonly updates: Pick<CallerLimiter, 'consume'> };
  readonly admission: Pick<AdmissionControl, 'trackEnqueue'>;
  readonly counterGapCheck: CounterGapCheck;
  readonly newcomerLimits: Pick<NewcomerLimits, 'charge'>;
  readonly revocations: Pick<RevocationList, 'isRevoked' | 'recentChange'>;
  readonly versions: LatestVersions;
  readonly presence: Pick<Presence, 'touch'>;
  readonly metrics: Pick<ApiMetrics, 'accepted' | 'adjusted'>;
}

export function createAcceptUpdates(deps: AcceptUpdatesDeps): AcceptUpdates {
  const {
    clock,
    producer,
    limits,
    admission,
    counterGapCheck,
    newcomerLimits,
    revocations,
    versions,
    presence,
    metrics,
  } = deps;
  return async ({ writer, updates: sent, request, replyTo, isLowPriority = false }) => {
    const { field, device, user, caller } = writer;
    limits.updates.consume(caller, sent.length);
    await newcomerLimits.charge(writer);
    await counterGapCheck.assertNoGap({ field, device, updates: sent });
    const acceptedAt = clock.now();
    const { updates, adjusted } = clampTimestamps(sent, acceptedAt);
    const grant = confirmGrant(writer, revocations);
    const job = {
      field,
      device,
      updates,
      acceptedAt,
      user,
      grant,
      ...(request ? { request } : {}),
      ...(replyTo ? { replyTo } : {}),
    };
    const enqueue = () => Promise.all([versions.get(field), producer.enqueue(job, { isLowPriority })]);
    const [version, durability] = await admission.trackEnqueue(estimateJobBytes(job), enqueue);
    counterGapCheck.recordAccepted({ field, device, updates });
    presence.touch(field, device);
    metrics.accepted.inc({ durability }, updates.length);
    metrics.adjusted.inc(adjusted.length);
    return {
      accepted: updates.length,
      field,
      version,
      serverTime: acceptedAt,
      durability,
      ...(adjusted.length > 0 ? { adjusted: [...adjusted] } : {}),
    };
  };
}

/**
 * Checks the token once more, because its revocation may have become known while the body arrived, and records in the grant
 * that it was checked. Updates that were checked against recent revocations are final: a worker applies them even if the token
 * was revoked a moment before.
 * @throws FieldError `token_revoked`
 */
function confirmGrant({ user, device, grant }: Writer, revocations: AcceptUpdatesDeps['revocations']): Grant {
  const { tokenId, issuedAt } = grant;
  if (revocations.isRevoked({ user, device, tokenId, issuedAt })) throw new FieldError('token_revoked');
  const { recentChange } = revocations;
  return recentChange === undefined ? grant : { ...grant, revocations: recentChange };
}

interface AcceptMessageOptions {
  readonly field: FieldId;
  readonly claims: Claims;
  /** The address of the socket. */
  readonly ip: string;
  readonly updates: readonly SentUpdate[];
}

/** @throws FieldError `forbidden`, `overloaded`, and those of `AcceptUpdates` */
export type AcceptMessage = (options: AcceptMessageOptions) => Promise<Accepted>;

interface AcceptMessageDeps {
  readonly admission: Pick<AdmissionControl, 'assertCapacity'>;
  readonly acceptUpdates: AcceptUpdates;
}

/**
 * Accepts the updates of a WebSocket message. No hook runs for a message: its socket was opened with the scope `field:read`,
 * so that writing is authorised here.
 */
export function createAcceptMessage({ admission, acceptUpdates }: AcceptMessageDeps): AcceptMessage {
  return async ({ field, claims, ip, updates }) => {
    const writer = authorizeWriter(claims, field, ip);
    admission.assertCapacity();
    return acceptUpdates({ writer, updates });
  };
}

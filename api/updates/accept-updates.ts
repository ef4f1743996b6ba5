/**
 * Takes updates in, whether they came by POST or over a socket: checks what schemas cannot, and puts them in the queue.
 * Once this has answered, they will not be lost. It never waits on PostgreSQL for an ordinary update.
 */

import type { RevocationList } from '../../shared/auth/revocation-list.ts';
import type { ReplyAddress } from '../../shared/contract/job.ts';
import type { Accepted } from '../../shared/contract/receipt.ts';
import type { Claims } from '../../shared/contract/token.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { estimateJobBytes, type UpdateProducer } from '../../shared/queue/update-producer.ts';
import { clampTimestamps } from '../../shared/updates/clamp-timestamps.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';
import type { CounterGapCheck } from '../admission/counter-gap-check.ts';
import { assertAccess, assertNotRevoked, createGrant, requireDevice } from '../auth/field-auth.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import type { Presence } from '../state/presence.ts';

interface AcceptUpdatesOptions {
  readonly field: FieldId;
  readonly claims: Claims;
  readonly updates: readonly Update[];
  /** Where the results are waited for. */
  readonly replyTo?: ReplyAddress;
}

/** @throws FieldError `forbidden`, `token_revoked`, `rate_limited`, `counter_too_far`, `overloaded` or `queue_unavailable` */
export type AcceptUpdates = (options: AcceptUpdatesOptions) => Promise<Accepted>;

interface AcceptUpdatesDeps {
  readonly producer: UpdateProducer;
  readonly revocations: RevocationList;
  readonly limits: RateLimits;
  readonly admission: AdmissionControl;
  readonly counterGapCheck: CounterGapCheck;
  readonly versions: LatestVersions;
  readonly presence: Presence;
  readonly metrics: ApiMetrics;
}

export function createAcceptUpdates({
  producer,
  revocations,
  limits,
  admission,
  counterGapCheck,
  versions,
  presence,
  metrics,
}: AcceptUpdatesDeps): AcceptUpdates {
  return async ({ field, claims, updates: sent, replyTo }) => {
    assertAccess(claims, 'field:write', field);
    assertNotRevoked(revocations, claims);
    const device = requireDevice(claims);
    limits.updates.consume(claims.sub, sent.length);
    await counterGapCheck.assertNoGap({ field, device, updates: sent });
    admission.assertCapacity();
    const acceptedAt = Date.now();
    const { updates, adjusted } = clampTimestamps(sent, acceptedAt);
    const job = {
      ...{ field, device, updates, acceptedAt },
      user: claims.sub,
      grant: createGrant(claims, field),
      ...(replyTo ? { replyTo } : {}),
    };
    const enqueue = () => Promise.all([versions.get(field), producer.enqueue(job)]);
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

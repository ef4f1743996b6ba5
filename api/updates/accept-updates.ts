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
import { type UpdateProducer, weighJob } from '../../shared/queue/update-producer.ts';
import { admitUpdates } from '../../shared/updates/clamp-timestamps.ts';
import type { Backlog } from '../admission/admission-control.ts';
import type { CounterLeads } from '../admission/counter-gap-check.ts';
import { checkAccess, checkRevocation, grantOf, writerOf } from '../auth/field-auth.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { Limits } from '../rate-limits/rate-limits.ts';
import type { KnownVersions } from '../state/latest-versions.ts';
import type { Presence } from '../state/presence.ts';

interface UpdateOrder {
  readonly field: FieldId;
  readonly claims: Claims;
  readonly updates: readonly Update[];
  /** Where the results are waited for. */
  readonly replyTo?: ReplyAddress;
}

/** @throws FieldError `forbidden`, `token_revoked`, `rate_limited`, `counter_too_far`, `overloaded` or `queue_unavailable` */
export type AcceptUpdates = (order: UpdateOrder) => Promise<Accepted>;

interface UpdateDoor {
  readonly producer: UpdateProducer;
  readonly revocations: RevocationList;
  readonly limits: Limits;
  readonly backlog: Backlog;
  readonly leads: CounterLeads;
  readonly versions: KnownVersions;
  readonly presence: Presence;
  readonly metrics: ApiMetrics;
}

export function createAcceptUpdates({
  producer,
  revocations,
  limits,
  backlog,
  leads,
  versions,
  presence,
  metrics,
}: UpdateDoor): AcceptUpdates {
  return async ({ field, claims, updates: sent, replyTo }) => {
    checkAccess(claims, 'field:write', field);
    checkRevocation(revocations, claims);
    const device = writerOf(claims);
    limits.updates.take(claims.sub, sent.length);
    await leads.check({ field, device, updates: sent });
    backlog.check();
    const acceptedAt = Date.now();
    const { updates, adjusted } = admitUpdates(sent, acceptedAt);
    const job = {
      ...{ field, device, updates, acceptedAt },
      user: claims.sub,
      grant: grantOf(claims, field),
      ...(replyTo ? { replyTo } : {}),
    };
    const add = () => Promise.all([versions.find(field), producer.enqueue(job)]);
    const [version, durability] = await backlog.count(weighJob(job), add);
    leads.noteAccepted({ field, device, updates });
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

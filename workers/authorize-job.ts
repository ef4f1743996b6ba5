/** What the door has checked of a job, checked again: a fault there, or a process that had not heard yet, ends here. */

import type { RevocationList } from '../shared/auth/revocation-list.ts';
import type { ApplyUpdates } from '../shared/contract/job.ts';
import { matchesField } from '../shared/contract/token.ts';

/**
 * Why a job must not be applied; undefined when it may. What was accepted before its token was revoked is applied: its
 * sender was told so. The reasons are stable.
 */
export function authorizeJob(job: ApplyUpdates, revocations: RevocationList): string | undefined {
  const { grant, field, device, user, acceptedAt } = job;
  // Put in by the command: who may write to the queue is an operator.
  if (!grant) return undefined;
  const { pattern, tokenId, issuedAt } = grant;
  if (!matchesField(pattern, field)) return 'forbidden: the token did not cover this field';
  const isRevoked = revocations.isRevoked({ user, device, tokenId, issuedAt }, acceptedAt);
  return isRevoked ? 'token_revoked: the token was revoked before this was accepted' : undefined;
}

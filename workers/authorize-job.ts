/** Checks a job's grant again, in case the API has a bug or could not read the revocations. */

import type { RevocationList } from '../shared/auth/revocation-list.ts';
import type { ApplyUpdates } from '../shared/contract/job.ts';
import { matchesField } from '../shared/contract/token.ts';

/** Whether the API accepted the job without recent revocations, so that they have to be read before it is applied. */
export function needsRevocationCheck({ grant }: ApplyUpdates): boolean {
  return grant !== undefined && grant.revocations === undefined;
}

/**
 * Why a job must not be applied; undefined when it may be. A job that was accepted before its token was revoked is applied,
 * because its sender has a receipt, and so is one that the API checked against recent revocations. Each reason begins with
 * a stable code.
 */
export function authorizeJob(job: ApplyUpdates, revocations: RevocationList): string | undefined {
  const { grant, field, device, user, acceptedAt } = job;
  // A job without a grant comes from the CLI: only operators can write to the queue. They cannot write as a device that they
  // have revoked.
  if (!grant) {
    const identity = { user, device, tokenId: undefined, issuedAt: undefined };
    const isRevoked = revocations.isRevoked(identity, { usedAt: acceptedAt, checkedThrough: undefined });
    return isRevoked ? 'token_revoked: the device or user was revoked before this was enqueued' : undefined;
  }
  const { pattern, tokenId, issuedAt, revocations: checkedThrough } = grant;
  if (!matchesField(pattern, field)) return 'forbidden: the token did not cover this field';
  const identity = { user, device, tokenId, issuedAt };
  const isRevoked = revocations.isRevoked(identity, { usedAt: acceptedAt, checkedThrough });
  return isRevoked ? 'token_revoked: the token was revoked before this was accepted' : undefined;
}

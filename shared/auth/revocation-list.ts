/**
 * The revoked tokens that this process knows of, in memory, for a synchronous check of every request, message and job.
 * A token is revoked by its id; a device or a user is revoked for all tokens issued until then.
 */
import type { Claims } from '../contract/token.ts';

export const revocationKinds = ['token', 'device', 'user'] as const;
export type RevocationKind = (typeof revocationKinds)[number];

export interface Revocation {
  readonly kind: RevocationKind;
  readonly subject: string;
  /** In ms, by the clock of the database. */
  readonly revokedAt: number;
  readonly isLifted: boolean;
  /** The sequence number of this change. */
  readonly change: number;
}

/** Reads all changes after the given one, in order. */
export type ReadRevocations = (after: number) => Promise<readonly Revocation[]>;

/** The claims that decide whether a token is revoked. */
export interface TokenIdentity {
  readonly user: string | undefined;
  readonly device: string | undefined;
  readonly tokenId: string | undefined;
  /** In seconds; a token without it counts as issued before every revocation. */
  readonly issuedAt: number | undefined;
}

export function toTokenIdentity({ sub, device, jti, iat }: Claims): TokenIdentity {
  return { user: sub, device, tokenId: jti, issuedAt: iat };
}

/** When a token was used and issued, in ms. */
interface TokenUse {
  readonly usedAt: number;
  readonly issuedAtMs: number;
}

export class RevocationList {
  readonly #revokedAt = new Map<string, number>();
  #change = 0;

  /** The sequence number of the latest change that was applied. */
  get change(): number {
    return this.#change;
  }

  apply(changes: readonly Revocation[]): void {
    for (const { kind, subject, revokedAt, isLifted, change } of changes) {
      if (isLifted) this.#revokedAt.delete(toKey(kind, subject));
      else this.#revokedAt.set(toKey(kind, subject), revokedAt);
      this.#change = Math.max(this.#change, change);
    }
  }

  /** @param usedAt when the token was used, in ms: a use before the revocation remains valid */
  isRevoked({ user, device, tokenId, issuedAt = 0 }: TokenIdentity, usedAt = Number.POSITIVE_INFINITY): boolean {
    if (this.#revokedAt.size === 0) return false;
    const use = { usedAt, issuedAtMs: issuedAt * 1000 };
    return (
      this.#isSubjectRevoked('token', tokenId, { usedAt, issuedAtMs: 0 }) ||
      this.#isSubjectRevoked('device', device, use) ||
      this.#isSubjectRevoked('user', user, use)
    );
  }

  #isSubjectRevoked(kind: RevocationKind, subject: string | undefined, { usedAt, issuedAtMs }: TokenUse): boolean {
    const revokedAt = subject === undefined ? undefined : this.#revokedAt.get(toKey(kind, subject));
    return revokedAt !== undefined && usedAt > revokedAt && issuedAtMs <= revokedAt;
  }

  /** Whether the device is revoked, so that no new token may be issued for its id. */
  isDeviceRevoked(device: string): boolean {
    return this.#revokedAt.has(toKey('device', device));
  }
}

function toKey(kind: RevocationKind, subject: string): string {
  return `${kind} ${subject}`;
}

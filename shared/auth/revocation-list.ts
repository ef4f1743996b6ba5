/**
 * Which tokens open nothing any more, as far as this process has heard: looked up without waiting, for every request,
 * message and job. A token may be revoked by its own id; a device or a user, for all tokens issued until then.
 */
import type { Claims } from '../contract/token.ts';

export const revocationKinds = ['token', 'device', 'user'] as const;
export type RevocationKind = (typeof revocationKinds)[number];

export interface Revocation {
  readonly kind: RevocationKind;
  readonly subject: string;
  /** In ms, by the database's clock. */
  readonly revokedAt: number;
  readonly isLifted: boolean;
  /** Counts up with every change. */
  readonly change: number;
}

/** What has changed after a change, in order. */
export type ReadRevocations = (after: number) => Promise<readonly Revocation[]>;

/** What of a token decides whether it is revoked. */
export interface TokenIdentity {
  readonly user: string | undefined;
  readonly device: string | undefined;
  readonly tokenId: string | undefined;
  /** In seconds; a token that does not say counts as issued before everything. */
  readonly issuedAt: number | undefined;
}

export function toTokenIdentity({ sub, device, jti, iat }: Claims): TokenIdentity {
  return { user: sub, device, tokenId: jti, issuedAt: iat };
}

/** When a token was used, and from when it is, in ms. */
interface TokenUse {
  readonly usedAt: number;
  readonly issuedAtMs: number;
}

export class RevocationList {
  readonly #revokedAt = new Map<string, number>();
  #change = 0;

  /** The newest change that it knows of. */
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

  /** @param usedAt when the token was used, in ms: what it did before it was revoked stands */
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

  /** Whether a device may not have a new token for its name. */
  isDeviceRevoked(device: string): boolean {
    return this.#revokedAt.has(toKey('device', device));
  }
}

function toKey(kind: RevocationKind, subject: string): string {
  return `${kind} ${subject}`;
}

/**
 * This process's list of revoked tokens, in memory, for a synchronous check of every request, message and job. A token is revoked
 * by its id; a device or a user is revoked for all tokens issued until then.
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
  /** The id of the token that a viewer's token was made from. */
  readonly originId?: string | undefined;
  /** In seconds; a token without it counts as issued before every revocation. */
  readonly issuedAt: number | undefined;
}

/**
 * A renewed token counts as issued when its device registered. Otherwise a device that renews its token while a revocation is being
 * propagated would escape it. For the same reason a viewer's token counts as issued with the token that it was made from.
 */
export function toTokenIdentity({ sub, device, jti, iat, registered, viewer }: Claims): TokenIdentity {
  if (viewer) return { user: sub, device: viewer.device, tokenId: jti, originId: viewer.jti, issuedAt: viewer.iat };
  return { user: sub, device, tokenId: jti, issuedAt: registered ?? iat };
}

/** A use of a token that is checked afterwards. */
export interface EarlierUse {
  /** In ms. A use before the revocation remains valid. */
  readonly usedAt: number;
  /** The last change of the list that it was checked against. Later revocations do not apply to it. */
  readonly checkedThrough: number | undefined;
}

/** The maximal age of the last comparison with PostgreSQL at which a check of a token is final. */
const maxAgeMs = 5000;

/** A token that is used now is subject to every revocation. */
const currentUse: EarlierUse = { usedAt: Number.POSITIVE_INFINITY, checkedThrough: undefined };

export class RevocationList {
  readonly #revocations = new Map<string, Revocation>();
  #change = 0;
  #checkedAt = Number.NEGATIVE_INFINITY;

  /** The sequence number of the latest change that was applied. */
  get change(): number {
    return this.#change;
  }

  /** When the list was last known to be complete, in ms on the monotonic clock of this process. */
  get checkedAt(): number {
    return this.#checkedAt;
  }

  /** `change`, if the list was recently complete; undefined if it may lack revocations. */
  get recentChange(): number | undefined {
    return performance.now() - this.#checkedAt <= maxAgeMs ? this.#change : undefined;
  }

  /** The revocations in force. */
  list(): Revocation[] {
    return [...this.#revocations.values()];
  }

  /**
   * Applies changes in their order. Those that the list already contains are skipped, since a later one may have undone them.
   * @param checkedAt when the changes began to be read; the list is complete as of then
   * @returns whether there were new ones
   */
  apply(changes: readonly Revocation[], checkedAt: number): boolean {
    const newChanges = changes.filter(({ change }) => change > this.#change);
    for (const revocation of newChanges) {
      const key = toKey(revocation.kind, revocation.subject);
      if (revocation.isLifted) this.#revocations.delete(key);
      else this.#revocations.set(key, revocation);
      this.#change = revocation.change;
    }
    this.confirm(checkedAt);
    return newChanges.length > 0;
  }

  /** Replaces the list by that of another process, if that is newer. @returns whether it was newer */
  replace(change: number, revocations: readonly Revocation[]): boolean {
    if (change <= this.#change) return false;
    this.#revocations.clear();
    for (const revocation of revocations) {
      this.#revocations.set(toKey(revocation.kind, revocation.subject), revocation);
    }
    this.#change = change;
    return true;
  }

  /** Records that the list was complete at that time. */
  confirm(checkedAt: number): void {
    this.#checkedAt = Math.max(this.#checkedAt, checkedAt);
  }

  isRevoked({ user, device, tokenId, originId, issuedAt = 0 }: TokenIdentity, use: EarlierUse = currentUse): boolean {
    if (this.#revocations.size === 0) return false;
    const issuedAtMs = issuedAt * 1000;
    return (
      this.#isSubjectRevoked('token', tokenId, 0, use) ||
      this.#isSubjectRevoked('token', originId, 0, use) ||
      this.#isSubjectRevoked('device', device, issuedAtMs, use) ||
      this.#isSubjectRevoked('user', user, issuedAtMs, use)
    );
  }

  #isSubjectRevoked(kind: RevocationKind, subject: string | undefined, issuedAtMs: number, use: EarlierUse): boolean {
    const revocation = subject === undefined ? undefined : this.#revocations.get(toKey(kind, subject));
    if (!revocation) return false;
    const { usedAt, checkedThrough = Number.POSITIVE_INFINITY } = use;
    return usedAt > revocation.revokedAt && issuedAtMs <= revocation.revokedAt && revocation.change <= checkedThrough;
  }
}

function toKey(kind: RevocationKind, subject: string): string {
  return `${kind} ${subject}`;
}

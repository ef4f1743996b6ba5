/**
 * A model of PostgreSQL's side of lease sessions: advisory locks that end with their session, and a session that ends when its
 * connection does, or when no query has arrived for ten seconds.
 */
import { type LeaseHolder, silentAfterMs } from '../../../../db/leases/lease-holders.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';
import type { Reachable } from '../link.ts';

const idleTimeoutMs = 10_000;
const stallCheckMs = 500;

/** What the server sends to a session that nobody has asked for. */
export interface SessionPeer {
  onNotification(): void;
  onEnd(): void;
}

/** Every method but `connect` and `disconnect` @throws if the session has ended. */
export interface LeaseHost {
  /** @returns the id of the new session */
  connect(peer: SessionPeer): number;
  /** The connection is closed. */
  disconnect(id: number): void;
  join(id: number): void;
  readHolders(id: number): LeaseHolder[];
  /** @returns those of the partitions that were free */
  acquire(id: number, partitions: readonly number[]): number[];
  release(id: number, partition: number): void;
  releaseAll(id: number): void;
}

interface Session {
  readonly peer: SessionPeer;
  readonly partitions: Set<number>;
  isMember: boolean;
  lastQueryAt: number;
}

export class LeaseServer implements LeaseHost {
  readonly #time: VirtualTime;
  readonly #server: Reachable;
  readonly #sessions = new Map<number, Session>();
  #lastId = 0;

  /** @param server the server that the sessions are with */
  constructor(time: VirtualTime, server: Reachable) {
    this.#time = time;
    this.#server = server;
  }

  connect(peer: SessionPeer): number {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#sessions.set(id, { peer, partitions: new Set(), isMember: false, lastQueryAt: this.#time.now });
    this.#checkIdle(id, idleTimeoutMs);
    return id;
  }

  disconnect(id: number): void {
    this.#sessions.delete(id);
  }

  /** PostgreSQL ends every session when it stops. */
  endAll(): void {
    for (const id of [...this.#sessions.keys()]) this.end(id);
  }

  /** As an operator does, with `pg_terminate_backend`. */
  end(id: number): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    session?.peer.onEnd();
  }

  join(id: number): void {
    this.#query(id).isMember = true;
    this.#notify(id);
  }

  readHolders(id: number): LeaseHolder[] {
    this.#query(id);
    return [...this.#sessions].flatMap(([holder, { partitions, isMember, lastQueryAt }]) =>
      isMember || partitions.size > 0
        ? [{ id: holder, partitions: [...partitions], isSilent: this.#time.now - lastQueryAt > silentAfterMs }]
        : [],
    );
  }

  acquire(id: number, partitions: readonly number[]): number[] {
    const session = this.#query(id);
    const isFree = (partition: number) => [...this.#sessions.values()].every((each) => !each.partitions.has(partition));
    const acquired = partitions.filter(isFree);
    for (const partition of acquired) session.partitions.add(partition);
    return acquired;
  }

  release(id: number, partition: number): void {
    this.#query(id).partitions.delete(partition);
    this.#notify(id);
  }

  releaseAll(id: number): void {
    const session = this.#query(id);
    session.partitions.clear();
    session.isMember = false;
    this.#notify(id);
  }

  /** @throws Error if the session has ended, also while the server was stopped */
  #query(id: number): Session {
    const session = this.#sessions.get(id);
    if (session && this.#time.now - session.lastQueryAt >= idleTimeoutMs) this.end(id);
    else if (session) {
      session.lastQueryAt = this.#time.now;
      return session;
    }
    throw Object.assign(new Error('terminating connection due to idle-session timeout'), { code: '57P05' });
  }

  /** A server that is stopped ends the session when it goes on. */
  #checkIdle(id: number, delayMs: number): void {
    this.#time.scheduleFor(undefined, delayMs, () => {
      const session = this.#sessions.get(id);
      if (!session) return;
      const restMs = session.lastQueryAt + idleTimeoutMs - this.#time.now;
      const stalledMs = this.#server.stalledUntil - this.#time.now;
      // A stall may end before its time.
      if (restMs > 0 || stalledMs > 0) this.#checkIdle(id, restMs > 0 ? restMs : Math.min(stalledMs, stallCheckMs));
      else this.end(id);
    });
  }

  #notify(sender: number): void {
    for (const [id, { peer }] of this.#sessions) if (id !== sender) peer.onNotification();
  }
}

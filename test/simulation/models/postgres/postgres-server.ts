/**
 * A model of PostgreSQL: rows that transactions lock and replace, a clock of its own, and what a failover or a restore does:
 * an earlier copy of everything.
 */
import { randomUUID } from 'node:crypto';
import type { FieldId } from '../../../../shared/field/ids.ts';
import type { Random } from '../../../unit/field/support/seeded-random.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';
import { LeaseServer } from '../leases/lease-server.ts';
import type { Reachable } from '../link.ts';
import type { FieldRow } from './field-row.ts';

/** All that is stored, at one moment. */
export interface Database {
  readonly installation: string;
  readonly fields: ReadonlyMap<FieldId, FieldRow>;
  /** The fields whose last commits were not published, with the newest such version. */
  readonly unpublished: ReadonlyMap<FieldId, number>;
}

interface StoredDatabase {
  readonly at: number;
  readonly database: Database;
}

const lockPollMs = 0.5;

export class PostgresServer implements Reachable {
  isUp = true;
  stalledUntil = 0;
  clockOffsetMs = 0;
  readonly leases: LeaseServer;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #locked = new Set<FieldId>();
  /** Every committed state, for failovers. */
  readonly #history: StoredDatabase[] = [];
  #database: Database;
  /** Counts crashes: a transaction that was open at one is never committed. */
  #crashes = 0;
  /** Counts failovers and restores that have lost commits. */
  historyBreaks = 0;

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
    this.leases = new LeaseServer(time, this);
    this.#database = { installation: randomUUID(), fields: new Map(), unpublished: new Map() };
    this.#history.push({ at: time.now, database: this.#database });
  }

  get database(): Database {
    return this.#database;
  }

  /** The server's clock, in ms. */
  now(): number {
    return Math.floor(this.#time.now + this.clockOffsetMs);
  }

  /** How long something has been stored, in ms, whatever the server's clock says. */
  ageOf({ storedAt }: { readonly storedAt: number }): number {
    return this.#time.now - storedAt;
  }

  get virtualNow(): number {
    return this.#time.now;
  }

  isLocked(field: FieldId): boolean {
    return this.#locked.has(field);
  }

  readRow(field: FieldId): FieldRow | undefined {
    return this.#database.fields.get(field);
  }

  writeRows(rows: readonly FieldRow[]): void {
    const fields = new Map(this.#database.fields);
    for (const row of rows) fields.set(row.field, row);
    this.#write({ ...this.#database, fields });
  }

  writeUnpublished(unpublished: ReadonlyMap<FieldId, number>): void {
    this.#write({ ...this.#database, unpublished });
  }

  /**
   * Locks the rows of fields, which takes until other transactions have released them, and commits the rows that `work`
   * makes of them.
   */
  async update(fields: readonly FieldId[], work: (rows: FieldRow[]) => FieldRow[]): Promise<void> {
    const crashes = this.#crashes;
    while (fields.some((field) => this.#locked.has(field))) await this.#wait(lockPollMs);
    await this.holdLocks(fields, crashes, () =>
      this.writeRows(work(fields.flatMap((field) => this.readRow(field) ?? []))),
    );
  }

  /** Holds locks for as long as a transaction takes, and commits unless the server has crashed. @throws Error when it has */
  async holdLocks(fields: readonly FieldId[], crashes: number, commit: () => void): Promise<void> {
    // It may have crashed while this transaction waited for other locks.
    if (this.#crashes !== crashes) throw connectionLost();
    for (const field of fields) this.#locked.add(field);
    await this.#wait(0.2 + 3 * this.#random.next() ** 4);
    if (this.#crashes !== crashes) throw connectionLost();
    for (const field of fields) this.#locked.delete(field);
    commit();
  }

  get crashes(): number {
    return this.#crashes;
  }

  stop(): void {
    this.isUp = false;
    this.#endSessions();
  }

  start(): void {
    this.isUp = true;
  }

  /** A replica takes over that has not received the last commits. @returns how many updates were lost */
  failOver(lostMs: number): number {
    return this.#revertTo(this.#time.now - lostMs, (database) => database);
  }

  /** An empty database is filled from a backup: a new installation, without the marks of what was not published. */
  restoreBackup(ageMs: number): number {
    return this.#revertTo(this.#time.now - ageMs, (database) => ({
      ...database,
      installation: randomUUID(),
      unpublished: new Map(),
    }));
  }

  #revertTo(at: number, change: (database: Database) => Database): number {
    this.#endSessions();
    const before = countUpdates(this.#database);
    while (this.#history.length > 1 && (this.#history.at(-1)?.at ?? 0) > at) this.#history.pop();
    const stored = this.#history.at(-1);
    if (stored) this.#database = change(stored.database);
    const lost = before - countUpdates(this.#database);
    if (lost > 0) this.historyBreaks += 1;
    return lost;
  }

  /** Open transactions are rolled back. */
  #endSessions(): void {
    this.#crashes += 1;
    this.#locked.clear();
    this.leases.endAll();
  }

  #write(database: Database): void {
    this.#database = database;
    this.#history.push({ at: this.#time.now, database });
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#time.scheduleFor(undefined, ms, resolve));
  }
}

function countUpdates({ fields }: Database): number {
  return [...fields.values()].reduce((sum, { version }) => sum + version, 0);
}

function connectionLost(): Error {
  return Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
}

/** Merges the conflicts read from the API with those that arrive on the stream, even during a read. */
import type { FieldConflict } from '../../client/types.ts';

export type PageConflict = Omit<FieldConflict, 'winner' | 'own'>;

/** The response of `GET /api/fields/:field/conflicts`: the newest conflicts first, consistent with one version. */
export interface ConflictPage {
  readonly total: number;
  readonly conflicts: readonly PageConflict[];
}

/** Counts each conflict exactly once, regardless of the order of responses and stream messages. */
export class ConflictCounter {
  #current: ConflictPage = { total: 0, conflicts: [] };
  /** The newest version covered by a completed read. */
  #readThrough = 0;
  #pendingReads = 0;
  /** Conflicts that arrived during a read, whose response may not include them. */
  #addedDuringRead: PageConflict[] = [];

  /** @param maxKept how many of the newest conflicts are kept; all are counted */
  constructor(private readonly maxKept: number) {}

  get current(): ConflictPage {
    return this.#current;
  }

  /** Reads the server's conflicts. @throws what `read` throws; the previous conflicts are kept */
  async load(read: () => Promise<ConflictPage>): Promise<void> {
    this.#pendingReads++;
    try {
      this.#merge(await read());
    } finally {
      this.#pendingReads--;
      if (this.#pendingReads === 0) this.#addedDuringRead = [];
    }
  }

  /** Adds a conflict from the stream. Returns false if a read has already counted it. */
  add(conflict: PageConflict): boolean {
    if (conflict.version <= this.#readThrough) return false;
    if (this.#pendingReads > 0) this.#addedDuringRead.unshift(conflict);
    this.#setCurrent(this.#current.total + 1, [conflict, ...this.#current.conflicts]);
    return true;
  }

  #merge({ total, conflicts }: ConflictPage): void {
    const through = conflicts[0]?.version ?? 0;
    // A read that started later has already completed.
    if (through < this.#readThrough) return;
    this.#readThrough = through;
    const addedLater = this.#addedDuringRead.filter(({ version }) => version > through);
    this.#setCurrent(total + addedLater.length, [...addedLater, ...conflicts]);
  }

  #setCurrent(total: number, conflicts: readonly PageConflict[]): void {
    this.#current = { total, conflicts: conflicts.slice(0, this.maxKept) };
  }
}

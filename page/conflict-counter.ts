/** Which conflicts a field has had: those read of the server, and those that the stream tells while it is read and after. */
import type { FieldConflict } from '../client/types.ts';

export type PageConflict = Omit<FieldConflict, 'winner' | 'own'>;

/** What `GET /api/fields/:field/conflicts` answers, the newest first: as it was at one moment. */
export interface ConflictPage {
  readonly total: number;
  readonly conflicts: readonly PageConflict[];
}

/** Counts each conflict once, in whichever order an answer and the stream arrive. */
export class ConflictCounter {
  #current: ConflictPage = { total: 0, conflicts: [] };
  /** The newest version whose conflicts were read, and so are counted. */
  #readThrough = 0;
  #pendingReads = 0;
  /** Told while a read was on its way, which may have been answered before they happened. */
  #addedDuringRead: PageConflict[] = [];

  /** @param maxKept how many of the newest are kept; all are counted */
  constructor(private readonly maxKept: number) {}

  get current(): ConflictPage {
    return this.#current;
  }

  /** Takes in what the server knows. @throws what `read` throws; what was known stays */
  async load(read: () => Promise<ConflictPage>): Promise<void> {
    this.#pendingReads++;
    try {
      this.#merge(await read());
    } finally {
      this.#pendingReads--;
      if (this.#pendingReads === 0) this.#addedDuringRead = [];
    }
  }

  /** One more is told by the stream. Returns whether it is new: a read may have been faster. */
  add(conflict: PageConflict): boolean {
    if (conflict.version <= this.#readThrough) return false;
    if (this.#pendingReads > 0) this.#addedDuringRead.unshift(conflict);
    this.#setCurrent(this.#current.total + 1, [conflict, ...this.#current.conflicts]);
    return true;
  }

  #merge({ total, conflicts }: ConflictPage): void {
    const through = conflicts[0]?.version ?? 0;
    // Another read, sent later, was answered first.
    if (through < this.#readThrough) return;
    this.#readThrough = through;
    const addedLater = this.#addedDuringRead.filter(({ version }) => version > through);
    this.#setCurrent(total + addedLater.length, [...addedLater, ...conflicts]);
  }

  #setCurrent(total: number, conflicts: readonly PageConflict[]): void {
    this.#current = { total, conflicts: conflicts.slice(0, this.maxKept) };
  }
}

/** Which conflicts a field has had: those read of the server, and those that the stream tells while it is read and after. */
import type { FieldConflict } from '../client/types.ts';

export type PageConflict = Omit<FieldConflict, 'winner' | 'own'>;

/** What `GET /api/fields/:field/conflicts` answers, the newest first: as it was at one moment. */
export interface ConflictPage {
  readonly total: number;
  readonly conflicts: readonly PageConflict[];
}

/** Counts each conflict once, in whichever order an answer and the stream arrive. */
export class ConflictTally {
  #known: ConflictPage = { total: 0, conflicts: [] };
  /** The newest version whose conflicts were read, and so are counted. */
  #readThrough = 0;
  #reads = 0;
  /** Told while a read was on its way, which may have been answered before they happened. */
  #meanwhile: PageConflict[] = [];

  /** @param keep how many of the newest are kept; all are counted */
  constructor(private readonly keep: number) {}

  get known(): ConflictPage {
    return this.#known;
  }

  /** Takes in what the server knows. @throws what `read` throws; what was known stays */
  async fill(read: () => Promise<ConflictPage>): Promise<void> {
    this.#reads++;
    try {
      this.#take(await read());
    } finally {
      this.#reads--;
      if (this.#reads === 0) this.#meanwhile = [];
    }
  }

  /** One more is told by the stream. Returns whether it is new: a read may have been faster. */
  add(conflict: PageConflict): boolean {
    if (conflict.version <= this.#readThrough) return false;
    if (this.#reads > 0) this.#meanwhile.unshift(conflict);
    this.#know(this.#known.total + 1, [conflict, ...this.#known.conflicts]);
    return true;
  }

  #take({ total, conflicts }: ConflictPage): void {
    const through = conflicts[0]?.version ?? 0;
    // Another read, sent later, was answered first.
    if (through < this.#readThrough) return;
    this.#readThrough = through;
    const later = this.#meanwhile.filter(({ version }) => version > through);
    this.#know(total + later.length, [...later, ...conflicts]);
  }

  #know(total: number, conflicts: readonly PageConflict[]): void {
    this.#known = { total, conflicts: conflicts.slice(0, this.keep) };
  }
}

/** An index of the log: when versions were written, and which are events or conflicts. Covers the parts that were needed so far. */

/** The part of a log entry that this page reads. An erasure has no `update`. */
interface LogEntry {
  readonly version: number;
  readonly cursor: string;
  readonly time: number;
  readonly outcome: string;
  readonly update?: { readonly kind: string; readonly type?: string };
}

export interface LogPage {
  readonly version: number;
  readonly oldest: number;
  readonly updates: readonly LogEntry[];
}

export interface Mark {
  readonly version: number;
  readonly kind: 'conflict' | 'event';
  readonly label: string;
}

const pageSize = 500;

export class LogIndex {
  readonly #read: (path: string) => Promise<LogPage>;
  readonly #times = new Map<number, number>();
  readonly #marks = new Map<number, Mark>();
  /** The last version of each page that was read, by its first version. */
  readonly #pages = new Map<number, number>();

  /** @param read a GET request for `/updates` of the field */
  constructor(read: (path: string) => Promise<LogPage>) {
    this.#read = read;
  }

  get marks(): readonly Mark[] {
    return [...this.#marks.values()].sort((a, b) => a.version - b.version);
  }

  addTime(version: number, time: number): void {
    this.#times.set(version, time);
  }

  addConflict(version: number, cell: string, time: number): void {
    this.addTime(version, time);
    this.#marks.set(version, { version, kind: 'conflict', label: `conflict at ${cell}` });
  }

  /** Undefined if it was not read yet. */
  timeOf(version: number): number | undefined {
    return this.#times.get(version);
  }

  /** Reads the entries from `first` to `last`, unless they are known. @throws what `read` throws */
  async load(first: number, last: number): Promise<void> {
    let next = first;
    while (next <= last) {
      const known = this.#pages.get(next);
      const end = known ?? (await this.#loadPage(next));
      if (end < next) return;
      next = end + 1;
    }
  }

  /** The last version that was written before or at `time`, found by halving; `oldest` if all are later. @throws what `read` throws */
  async findVersion(time: number, oldest: number, latest: number): Promise<number> {
    let [low, high] = [oldest, latest];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((await this.#findTime(middle)) <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #findTime(version: number): Promise<number> {
    const known = this.#times.get(version);
    if (known !== undefined) return known;
    const { updates } = await this.#read(`/updates?after=${version - 1}&limit=1`);
    this.#addEntries(updates);
    return this.#times.get(version) ?? Number.POSITIVE_INFINITY;
  }

  /** @returns the last version of the page that starts at `first` */
  async #loadPage(first: number): Promise<number> {
    const { updates, version } = await this.#read(`/updates?after=${first - 1}&limit=${pageSize}`);
    this.#addEntries(updates);
    const end = updates.at(-1)?.version ?? first - 1;
    // The last page may grow, so it is read again next time.
    if (end < version) this.#pages.set(first, end);
    return end;
  }

  #addEntries(entries: readonly LogEntry[]): void {
    for (const { version, time, outcome, update } of entries) {
      this.#times.set(version, time);
      if (update?.kind === 'event') this.#marks.set(version, { version, kind: 'event', label: update.type ?? 'event' });
      else if (outcome === 'conflict' && !this.#marks.has(version))
        this.#marks.set(version, { version, kind: 'conflict', label: 'conflict' });
    }
  }
}

/**
 * Keeps the presence of one field in sync with the reports of other processes. Reports are numbered; after a gap, everything is
 * read again, at most once a second.
 */
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { type NumberedReport, parseReport } from './presence-report.ts';
import type { PresenceStore } from './presence-store.ts';
import type { PresentDevices } from './present-devices.ts';

const checkIntervalMs = 5000;
const minReadIntervalMs = 1000;
const maxBuffered = 1000;

interface PresenceFollowerDeps {
  readonly field: FieldId;
  readonly present: PresentDevices;
  readonly store: Pick<PresenceStore, 'read' | 'check'>;
  readonly log: Logger;
}

export class PresenceFollower {
  readonly #deps: PresenceFollowerDeps;
  /** The sequence number of the last report; undefined until everything has been read. */
  #sequence: number | undefined;
  #reading: Promise<void> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #checkedAt = 0;
  #buffered: NumberedReport[] = [];

  constructor(deps: PresenceFollowerDeps) {
    this.#deps = deps;
  }

  /** Whether the devices of other processes are known. */
  get isSynced(): boolean {
    return this.#sequence !== undefined;
  }

  /** When everything was last read, by the monotonic clock. */
  get readAt(): number {
    return this.#readAt;
  }

  /** Call when messages are no longer received. */
  reset(): void {
    this.#sequence = undefined;
  }

  /** @param message of the field's channel */
  receive(message: string): void {
    const report = parseReport(message);
    if (!report) return;
    if (this.#reading) {
      if (this.#buffered.length < maxBuffered) this.#buffered.push(report);
    } else this.#apply(report);
  }

  /** Reads everything. Single-flight: concurrent calls share one read. Never rejects. */
  read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
      for (const report of this.#buffered.splice(0)) this.#apply(report);
    });
    return this.#reading;
  }

  /** Call every second. */
  tick(now: number): void {
    if (this.#reading || now - this.#readAt < minReadIntervalMs) return;
    if (!this.isSynced) void this.read();
    else if (now - this.#checkedAt >= checkIntervalMs) void this.#check(now);
  }

  async #readNow(): Promise<void> {
    const { field, present, store, log } = this.#deps;
    this.#readAt = performance.now();
    try {
      const all = await store.read(field);
      present.replace(all, performance.now());
      this.#sequence = all.sequence;
    } catch (error) {
      this.#sequence = undefined;
      log.debug({ err: error, field }, 'presence read failed');
    }
  }

  #apply(report: NumberedReport): void {
    if (this.#sequence === undefined || report.sequence <= this.#sequence) return;
    if (report.sequence > this.#sequence + 1) {
      // The next tick reads everything.
      this.#sequence = undefined;
      return;
    }
    this.#sequence = report.sequence;
    this.#deps.present.apply(report, performance.now());
  }

  /** Detects that the last report was lost, or that Redis has lost everything. */
  async #check(now: number): Promise<void> {
    const { field, store, log } = this.#deps;
    this.#checkedAt = now;
    const before = this.#sequence;
    try {
      const { sequence } = await store.check(field);
      if (this.#sequence === before && sequence !== before) this.#sequence = undefined;
    } catch (error) {
      log.debug({ err: error, field }, 'presence check failed');
    }
  }
}

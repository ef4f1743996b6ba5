/**
 * Reports the presence of this process's clients to the other processes: visible changes within a tenth of a second, and that
 * devices are still heard within half a second, together with what else is due. One command per field and report.
 */
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { PresenceStore } from './presence-store.ts';
import type { PresentDevices } from './present-devices.ts';

const urgentIntervalMs = 100;
const relaxedDelayMs = 500;
const retryMs = 2000;

interface PresenceReporterDeps {
  readonly store: Pick<PresenceStore, 'report'>;
  readonly log: Logger;
}

interface Reported {
  readonly id: FieldId;
  readonly devices: PresentDevices;
}

export class PresenceReporter {
  readonly #deps: PresenceReporterDeps;
  readonly #due = new Map<Reported, number>();
  /** The time before which a field is not reported again. */
  readonly #notBefore = new WeakMap<Reported, number>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;

  constructor(deps: PresenceReporterDeps) {
    this.#deps = deps;
  }

  /** Call when a field has something to report. */
  queue(field: Reported): void {
    const now = performance.now();
    const wishedAt = field.devices.reportUrgency === 'high' ? now : now + relaxedDelayMs;
    const at = Math.max(wishedAt, this.#notBefore.get(field) ?? 0);
    if (at >= (this.#due.get(field) ?? Number.POSITIVE_INFINITY)) return;
    this.#due.set(field, at);
    this.#schedule(at);
  }

  /** Reports what is pending now. Never rejects. */
  async flush(field: Reported): Promise<void> {
    this.#due.delete(field);
    if (!field.devices.reportUrgency) return;
    const now = performance.now();
    this.#notBefore.set(field, now + urgentIntervalMs);
    try {
      await this.#deps.store.report(field.id, field.devices.takeReport(now));
    } catch (error) {
      this.#deps.log.debug({ err: error, field: field.id }, 'presence report failed');
      this.#notBefore.set(field, now + retryMs);
      field.devices.reportAgain(now);
    }
  }

  /** Reports all that is pending, and nothing after that. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#due.keys()].map((field) => this.flush(field)));
    clearTimeout(this.#timer);
  }

  #schedule(at: number): void {
    if (this.#timer && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#run(), at - performance.now());
    this.#timer.unref();
  }

  #run(): void {
    this.#timer = undefined;
    const now = performance.now();
    const due = [...this.#due].filter(([, at]) => at <= now + 1).map(([field]) => field);
    for (const field of due) void this.flush(field);
    if (this.#due.size > 0) this.#schedule(Math.min(...this.#due.values()));
  }
}

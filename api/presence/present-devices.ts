/**
 * The devices of one field: those with sockets and requests in this process, and those that other processes report. Times
 * are those of a monotonic clock, in ms. Independent of Redis.
 */

import type { NumberedReport, PresenceReport } from './presence-report.ts';
import { maxDevicesPerField, presenceTtlMs } from './presence-store.ts';
import { createShownDevice, isDevice, isNewer, type ShownDevice } from './shown-device.ts';

/** How often it is reported to other processes that a device is still heard. */
const heardIntervalMs = 10_000;

interface DeviceRecord {
  /** Undefined for a viewer without a device, who is only counted. */
  shown: ShownDevice | undefined;
  heardAt: number;
  /** When this process last heard it; -Infinity for never. */
  heardHereAt: number;
  /** When it was last reported to other processes. */
  reportedAt: number;
}

interface PresentDevicesDeps {
  /** The wall clock of the servers, in ms since the epoch. */
  readonly readTime: () => number;
  /** Called when something that others see has changed. */
  readonly onChange: () => void;
  /** Called when there is something to report. */
  readonly onPending: () => void;
}

export class PresentDevices {
  readonly #deps: PresentDevicesDeps;
  readonly #present = new Map<string, DeviceRecord>();
  /** The open sockets of this process. */
  readonly #sockets = new Map<string, number>();
  /** Changes that have not been reported yet. */
  readonly #toShow = new Set<string>();
  readonly #toHear = new Set<string>();
  readonly #gone = new Set<string>();
  #reportedCount = 0;

  constructor(deps: PresentDevicesDeps) {
    this.#deps = deps;
  }

  /** How many are present. Beyond `maxDevicesPerField`, as of the last report of any process. */
  get activeNodes(): number {
    const { size } = this.#present;
    return size < maxDevicesPerField ? size : Math.max(size, this.#reportedCount);
  }

  get isEmpty(): boolean {
    return this.#present.size === 0 && this.#sockets.size === 0;
  }

  /** Undefined if there is nothing to report to other processes. */
  get reportUrgency(): 'high' | 'low' | undefined {
    if (this.#toShow.size > 0 || this.#gone.size > 0) return 'high';
    return this.#toHear.size > 0 ? 'low' : undefined;
  }

  *devices(): Generator<ShownDevice> {
    for (const { shown } of this.#present.values()) if (shown) yield shown;
  }

  find(id: string): ShownDevice | undefined {
    return this.#present.get(id)?.shown;
  }

  /** Call when a socket was opened. */
  open(id: string, shown: ShownDevice | undefined, now: number): void {
    const count = this.#sockets.get(id) ?? 0;
    this.#sockets.set(id, count + 1);
    // What the device already shows, perhaps on another socket, is kept, because a new socket has no data yet.
    const known = this.find(id);
    this.show(id, known && !known.isSilent ? known : shown, now);
  }

  /** Call when a socket was closed. @returns whether it was the last of its device */
  close(id: string): boolean {
    const count = (this.#sockets.get(id) ?? 0) - 1;
    if (count > 0) this.#sockets.set(id, count);
    if (count > 0) return false;
    this.#sockets.delete(id);
    this.#remove(id);
    this.#toShow.delete(id);
    this.#toHear.delete(id);
    this.#gone.add(id);
    this.#deps.onPending();
    return true;
  }

  /** Replaces what a device shows. */
  show(id: string, shown: ShownDevice | undefined, now: number): void {
    const isKept = this.#put(id, { shown, heardAt: now, heardHereAt: now, reportedAt: now });
    this.#gone.delete(id);
    (isKept && shown && !shown.isSilent ? this.#toShow : this.#toHear).add(id);
    this.#deps.onPending();
  }

  /**
   * Call when anything arrives from a device, on a socket or with a request.
   * @param shown what the device shows, in case it was silent for so long that it was removed
   */
  hear(id: string, now: number, shown?: ShownDevice): void {
    const record = this.#present.get(id);
    if (!record || (shown && record.shown?.isSilent)) {
      this.show(id, shown ?? this.#createSilent(id, 0), now);
      return;
    }
    record.heardAt = now;
    record.heardHereAt = now;
  }

  /** Removes devices that were not heard for too long, and collects those that have to be reported as heard. Call every second. */
  sweep(now: number): void {
    for (const [id, record] of this.#present) {
      if (now - record.heardAt >= presenceTtlMs) this.#remove(id);
      else if (record.heardHereAt > record.reportedAt && now - record.reportedAt >= heardIntervalMs) {
        record.reportedAt = now;
        this.#toHear.add(id);
      }
    }
    if (this.#toHear.size > 0) this.#deps.onPending();
  }

  /** Takes the changes that the other processes have not received yet. */
  takeReport(now: number): PresenceReport {
    const report = {
      shown: [...this.#toShow].flatMap((id) => this.find(id) ?? []),
      heard: [...this.#toHear].map((id) => ({ id, agoMs: now - (this.#present.get(id)?.heardHereAt ?? now) })),
      gone: [...this.#gone],
    };
    this.#toShow.clear();
    this.#toHear.clear();
    this.#gone.clear();
    return report;
  }

  /** Reports the devices again, because other processes may have missed reports. */
  reportAgain(now: number, ids: Iterable<string> = this.#present.keys()): void {
    for (const id of ids) {
      const record = this.#present.get(id);
      if (!record || !this.#isLocal(id, now)) continue;
      (record.shown && this.#sockets.has(id) ? this.#toShow : this.#toHear).add(id);
    }
    if (this.reportUrgency) this.#deps.onPending();
  }

  /** Applies the report of another process. */
  apply({ shown, heard, gone, count }: NumberedReport, now: number): void {
    this.#reportedCount = count;
    for (const device of shown) this.#applyShown(device, now);
    for (const { id, agoMs } of heard) this.#applyHeard(id, now - agoMs);
    for (const id of gone) {
      if (this.#sockets.has(id)) this.reportAgain(now, [id]);
      else this.#remove(id);
    }
  }

  /** Replaces the earlier reports of other processes with a complete one. */
  replace(all: NumberedReport, now: number): void {
    this.#reportedCount = all.count;
    for (const { id, agoMs } of all.heard) this.#applyHeard(id, now - agoMs);
    const listed = new Set(all.heard.map(({ id }) => id));
    for (const device of all.shown) if (listed.has(device.device)) this.#applyShown(device);
    for (const id of this.#present.keys()) {
      if (listed.has(id)) continue;
      if (this.#isLocal(id, now)) this.reportAgain(now, [id]);
      else this.#remove(id);
    }
  }

  #applyShown(shown: ShownDevice, heardAt = Number.NEGATIVE_INFINITY): void {
    const id = shown.device;
    const record = this.#present.get(id);
    if (!record) {
      this.#putRemote(id, shown, heardAt);
      return;
    }
    record.heardAt = Math.max(record.heardAt, heardAt);
    if (record.shown && !isNewer(shown, record.shown)) return;
    record.shown = shown;
    this.#deps.onChange();
  }

  #applyHeard(id: string, heardAt: number): void {
    const record = this.#present.get(id);
    if (record) record.heardAt = Math.max(record.heardAt, heardAt);
    else this.#putRemote(id, this.#createSilent(id, performance.now() - heardAt), heardAt);
  }

  #putRemote(id: string, shown: ShownDevice | undefined, heardAt: number): void {
    this.#put(id, { shown, heardAt, heardHereAt: Number.NEGATIVE_INFINITY, reportedAt: Number.NEGATIVE_INFINITY });
  }

  #createSilent(id: string, agoMs: number): ShownDevice | undefined {
    const at = Math.max(0, Math.round(this.#deps.readTime() - agoMs));
    return isDevice(id) ? createShownDevice({ device: id, at, isSilent: true }) : undefined;
  }

  #isLocal(id: string, now: number): boolean {
    const record = this.#present.get(id);
    return record !== undefined && now - record.heardHereAt < presenceTtlMs;
  }

  /** @returns false if there are too many, so that the device is only counted */
  #put(id: string, record: DeviceRecord): boolean {
    if (this.#present.size >= maxDevicesPerField && !this.#present.has(id)) return false;
    this.#present.set(id, record);
    this.#deps.onChange();
    return true;
  }

  #remove(id: string): void {
    if (this.#present.delete(id)) this.#deps.onChange();
  }
}

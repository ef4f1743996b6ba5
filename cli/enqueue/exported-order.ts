/**
 * Adjusts `seen` of updates from an exported log, which is a version of the field that the log comes from. In another field it names
 * the same update only if the whole log is sent, in order, to an empty field. Otherwise it is left out: a conflict too many is safe,
 * one too few loses a value.
 */
import type { DeviceUpdate } from './input/parse-line.ts';

export class ExportedOrder {
  readonly #readVersion: () => Promise<number>;
  readonly #printLine: (line: string) => void;
  /** The exported version that the next update must have to keep versions equal; undefined before the first update. */
  #next: number | undefined;
  #isExact = true;
  #isReported = false;

  constructor(readVersion: () => Promise<number>, printLine: (line: string) => void) {
    this.#readVersion = readVersion;
    this.#printLine = printLine;
  }

  async adjust(sent: DeviceUpdate): Promise<DeviceUpdate> {
    const { exportedVersion, update } = sent;
    if (exportedVersion === undefined) return sent;
    if (this.#next === undefined) {
      this.#next = 1;
      this.#isExact = (await this.#readVersion()) === 0;
    }
    if (exportedVersion !== this.#next) this.#isExact = false;
    this.#next += 1;
    if (this.#isExact || update.seen === 0) return sent;
    this.#report();
    return { ...sent, update: { ...update, seen: 0 } };
  }

  /** Once, when `seen` is first left out. */
  #report(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#printLine(
      'The log is not sent as a whole to an empty field, so what its updates had seen is left out: concurrent writes follow their timestamps.',
    );
  }
}

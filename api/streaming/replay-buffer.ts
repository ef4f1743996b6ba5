/** The most recent deltas of a field, each standing on the one before it; bounded by count and by bytes. */
import type { StreamMessage } from './stream-message.ts';

const maxDeltas = 500;
const maxBytes = 2 * 1024 * 1024;
/** Beyond this a reader is better served by one message with the sum of it all. */
const maxReplayBytes = 512 * 1024;

export interface Delta {
  readonly from: number;
  readonly to: number;
  readonly message: StreamMessage;
}

export class ReplayBuffer {
  #deltas: Delta[] = [];
  #bytes = 0;

  push(delta: Delta): void {
    this.#deltas.push(delta);
    this.#bytes += delta.message.text.length;
    let dropped = 0;
    while (this.#deltas.length - dropped > maxDeltas || this.#bytes > maxBytes) {
      const oldest = this.#deltas[dropped];
      if (!oldest) break;
      this.#bytes -= oldest.message.text.length;
      dropped += 1;
    }
    if (dropped > 0) this.#deltas.splice(0, dropped);
  }

  /** All that lead from a version to the newest; undefined when some are missing, or when they are too much to send. */
  since(version: number): readonly Delta[] | undefined {
    const start = this.#deltas.findIndex(({ from }) => from >= version);
    if (start === -1 || this.#deltas[start]?.from !== version) return undefined;
    const deltas = this.#deltas.slice(start);
    const bytes = deltas.reduce((sum, { message }) => sum + message.text.length, 0);
    return bytes <= maxReplayBytes ? deltas : undefined;
  }

  clear(): void {
    this.#deltas = [];
    this.#bytes = 0;
  }
}

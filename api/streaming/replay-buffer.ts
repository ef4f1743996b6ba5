/** The most recent deltas of a field, contiguous and oldest first; bounded by count and by bytes. */
import type { Cursor } from '../../shared/field/cursor.ts';
import type { StreamMessage } from './stream-message.ts';

const maxDeltas = 500;
const maxBytes = 2 * 1024 * 1024;
/** Above this size, one gap-fill delta or a snapshot is cheaper to send than the individual deltas. */
const maxReplayBytes = 512 * 1024;

/** A delta message that leads from one state of the field to another. */
export interface Delta {
  readonly from: Cursor;
  readonly to: Cursor;
  readonly message: StreamMessage;
}

export class ReplayBuffer {
  #deltas: Delta[] = [];
  #bytes = 0;

  /** @param delta must start at the cursor that the previous one leads to */
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

  /** The deltas from a cursor to the newest; undefined when some were dropped, or when they are too large to replay. */
  since(cursor: Cursor): readonly Delta[] | undefined {
    const start = this.#deltas.findIndex(({ from }) => from === cursor);
    if (start === -1) return undefined;
    const deltas = this.#deltas.slice(start);
    const bytes = deltas.reduce((sum, { message }) => sum + message.text.length, 0);
    return bytes <= maxReplayBytes ? deltas : undefined;
  }

  /** Whether a delta starts at a cursor, or leads to it. */
  includes(cursor: Cursor): boolean {
    return this.#deltas.some(({ from, to }) => from === cursor || to === cursor);
  }

  clear(): void {
    this.#deltas = [];
    this.#bytes = 0;
  }
}

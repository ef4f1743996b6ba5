/** Collects lines into windows, within which updates may be grouped by device. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Line } from './read-lines.ts';

/** A partial window is yielded if no line arrives for this long: with `tail -f`, none may ever arrive. */
const maxWaitMs = 20;
/** Updates of a device within this many lines may be sent together. */
const maxLines = 4000;

/** Yields at most `maxLines` at a time. Reads ahead in the meantime. */
export async function* collectWindows(chunks: AsyncIterable<Line[]>): AsyncGenerator<Line[]> {
  const source = chunks[Symbol.asyncIterator]();
  let next = source.next();
  let lines: Line[] = [];
  try {
    for (;;) {
      const chunk = lines.length === 0 ? await next : await Promise.race([next, delay(maxWaitMs)]);
      if (chunk?.done) break;
      if (chunk) {
        lines = lines.concat(chunk.value);
        next = source.next();
      }
      for (; lines.length >= maxLines; lines = lines.slice(maxLines)) yield lines.slice(0, maxLines);
      if (chunk || lines.length === 0) continue;
      yield lines;
      lines = [];
    }
    if (lines.length > 0) yield lines;
  } finally {
    void next.catch(() => undefined);
    await source.return?.();
  }
}

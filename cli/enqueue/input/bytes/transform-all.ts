/** Runs chunks through a transform stream without losing the output before an error. */
import type { Transform } from 'node:stream';

/**
 * Yields all output of `stream`, and then throws its error, if there is one. Backpressure is applied to the input: each piece of
 * it is processed completely before the next one.
 */
export async function* transformAll<T>(
  chunks: AsyncIterable<Buffer>,
  stream: Transform,
  pieceBytes: number,
): AsyncGenerator<T[]> {
  const output: T[] = [];
  let failure: Error | undefined;
  stream.on('data', (value: T) => output.push(value));
  stream.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise((resolve) => stream.once('close', resolve));
  try {
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.length && !failure; start += pieceBytes) {
        // A stream that fails does not call back for its writes.
        await Promise.race([write(stream, chunk.subarray(start, start + pieceBytes)), closed]);
        if (output.length > 0) yield output.splice(0);
      }
      if (failure) break;
    }
    if (!failure) stream.end();
    await closed;
    if (output.length > 0) yield output.splice(0);
    if (failure) throw failure;
  } finally {
    stream.destroy();
  }
}

function write(stream: Transform, bytes: Buffer): Promise<void> {
  // The listener of the stream gets the error.
  return new Promise((resolve) => stream.write(bytes, () => resolve()));
}

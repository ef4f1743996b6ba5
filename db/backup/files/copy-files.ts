/** Copies rows between PostgreSQL and compressed files in chunks, so that their number does not affect memory use. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** Below zlib's default of 6: JSON compresses well at any level, and a lower one takes less CPU time. */
const gzipLevel = 3;
const lineFeed = 10;

type Chunks = AsyncIterable<Buffer>;

/** Runs `COPY … TO STDOUT` into a new file, and resolves once the file is synced to the disk. */
export async function copyToFile(
  client: pg.Client,
  copy: { readonly sql: string; readonly path: string; readonly onRows: (rows: number) => void; signal?: AbortSignal },
): Promise<{ rows: number; bytes: number; sha256: string }> {
  const { sql, path, onRows, signal } = copy;
  const hash = createHash('sha256');
  let rows = 0;
  let bytes = 0;
  const countRows = tapChunks((chunk) => {
    // One line is one row, because COPY's text format escapes line breaks within values.
    const found = countLines(chunk);
    rows += found;
    onRows(found);
  });
  const countBytes = tapChunks((chunk) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  await pipeline(client.query(copyTo(sql)), countRows, createGzip({ level: gzipLevel }), countBytes, file, { signal });
  return { rows, bytes, sha256: hash.digest('hex') };
}

/** Runs `COPY … FROM STDIN` with the content of a file. @returns the number of rows loaded */
export async function copyFromFile(
  client: pg.Client,
  copy: { readonly sql: string; readonly path: string; readonly onBytes: (bytes: number) => void },
): Promise<number> {
  const { sql, path, onBytes } = copy;
  const target = client.query(copyFrom(sql));
  await pipeline(
    createReadStream(path),
    tapChunks((chunk) => onBytes(chunk.length)),
    createGunzip(),
    target,
  );
  return target.rowCount;
}

/** @returns the SHA-256 of a file in hexadecimal */
export async function hashFile(path: string, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    onBytes(chunk.length);
  }
  return hash.digest('hex');
}

function tapChunks(onChunk: (chunk: Buffer) => void): (chunks: Chunks) => Chunks {
  return async function* pass(chunks) {
    for await (const chunk of chunks) {
      onChunk(chunk);
      yield chunk;
    }
  };
}

function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}

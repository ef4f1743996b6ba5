/**
 * Decompresses gzip (RFC 1952) part by part. Node's Gunzip drops decompressed output when other bytes follow the end, so zlib
 * only gets the deflated data.
 */
import { crc32, createInflateRaw } from 'node:zlib';
import { ByteSource } from './byte-source.ts';

/** The output of a piece is at most a thousand times as large. */
const pieceBytes = 16 * 1024;
const outputBytes = 128 * 1024;
const [magic0, magic1, deflate] = [0x1f, 0x8b, 8];
const flags = { headerCrc: 2, extra: 4, name: 8, comment: 16 };

/** Yields everything that can be decompressed, and then throws if anything else follows. */
export async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = new ByteSource(chunks);
  for (let isFirst = true; await hasPart(source, isFirst); isFirst = false) {
    await skipHeader(source);
    yield* inflate(source);
  }
}

/** Reads the first two bytes of a part. Skips zeros before the end, with which tapes pad files. */
async function hasPart(source: ByteSource, isFirst: boolean): Promise<boolean> {
  let [byte] = await source.read(1);
  while (byte === 0 && !isFirst) [byte] = await source.read(1);
  if (byte === undefined) return false;
  const [second] = await source.read(1);
  if (byte === magic0 && second === magic1) return true;
  throw new Error('bytes follow the end of the gzip data');
}

async function skipHeader(source: ByteSource): Promise<void> {
  const header = await source.readExactly(8);
  const [method, set = 0] = header;
  if (method !== deflate) throw new Error('unknown compression method');
  if (set & flags.extra) await source.readExactly((await source.readExactly(2)).readUInt16LE());
  for (const flag of [flags.name, flags.comment]) {
    if (set & flag) while ((await source.readExactly(1))[0] !== 0);
  }
  if (set & flags.headerCrc) await source.readExactly(2);
}

async function* inflate(source: ByteSource): AsyncGenerator<Buffer> {
  const stream = createInflateRaw({ chunkSize: outputBytes });
  const output: Buffer[] = [];
  let failure: Error | undefined;
  let [isEnded, given, checksum, length] = [false, 0, 0, 0];
  stream.on('data', (chunk: Buffer) => output.push(chunk));
  const ended = new Promise<void>((resolve) => {
    stream.once('end', () => {
      isEnded = true;
      resolve();
    });
    stream.once('error', (error) => {
      failure = error;
      resolve();
    });
  });
  try {
    while (!isEnded && !failure) {
      const piece = await source.read(pieceBytes);
      given += piece.length;
      // zlib does not call back for a write in which the data ends.
      const written = new Promise<void>((resolve) => stream.write(piece, () => resolve()));
      if (piece.length === 0) stream.end();
      await (piece.length === 0 ? ended : Promise.race([written, ended]));
      for (const chunk of output.splice(0)) {
        checksum = crc32(chunk, checksum);
        length = (length + chunk.length) % 2 ** 32;
        yield chunk;
      }
      if (isEnded) source.unread(piece.subarray(piece.length - (given - stream.bytesWritten)));
    }
  } finally {
    stream.destroy();
  }
  if (failure) throw failure;
  const trailer = await source.readExactly(8);
  if (trailer.readUInt32LE() !== checksum) throw new Error('incorrect data check');
  if (trailer.readUInt32LE(4) !== length) throw new Error('incorrect length check');
}

/**
 * Splits an input, plain or gzipped, into lines, one chunk at a time, so that memory does not grow with the size of the
 * input. Independent of the content of the lines.
 */
import { isUtf8 } from 'node:buffer';
import { addAbortSignal } from 'node:stream';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import { reasonOf } from '../../errors/cli-error.ts';
import { gunzip } from './bytes/gunzip.ts';
import type { LineInput } from './open-inputs.ts';

const newline = 0x0a;

/** The position of a line; lines count from 1. */
export interface LineLocation {
  readonly file: string;
  readonly line: number;
}

/** A non-empty line, a record of another format (with its size in bytes), or the reason why it cannot be read. */
export type Line = { readonly location: LineLocation } & (
  | { readonly text: string }
  | { readonly value: Record<string, unknown>; readonly size: number }
  | { readonly problem: string }
);

/** Yields the lines of each chunk together. Ends early, without an error, when `signal` aborts. */
export async function* readLines(
  input: LineInput,
  signal: AbortSignal,
  maxLineBytes = maxRequestBytes,
): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter(input.name, maxLineBytes);
  try {
    for await (const chunk of readBytes(input, signal)) yield splitter.split(chunk);
    yield splitter.end();
  } catch (error) {
    if (signal.aborted) return;
    // The lines before the error were read and are kept.
    yield [...splitter.end(), splitter.fail(`cannot be read any further: ${reasonOf(error)}`)];
  }
}

/** The bytes of an input, decompressed if gzipped, which is detected by the first two bytes and not by the file name. */
export async function* readBytes(input: LineInput, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer> = addAbortSignal(signal, input.open())[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  while (first.length < 2) {
    const next = await chunks.next();
    if (next.done) break;
    first = Buffer.concat([first, next.value]);
  }
  const all = (async function* () {
    input.bytesRead += first.length;
    yield first;
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) {
      input.bytesRead += chunk.length;
      yield chunk;
    }
  })();
  const isGzip = first[0] === 0x1f && first[1] === 0x8b;
  yield* isGzip ? gunzip(all) : all;
}

class LineSplitter {
  readonly #file: string;
  readonly #maxBytes: number;
  #line = 0;
  /** The beginning of an unfinished line; empty once it exceeds the maximum length. */
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(file: string, maxBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  split(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#append(chunk.subarray(start, end));
      lines.push(...this.#finish());
      start = end + 1;
    }
    this.#append(chunk.subarray(start));
    return lines;
  }

  /** The last line may lack a line break. */
  end(): Line[] {
    return this.#bytes === 0 ? [] : this.#finish();
  }

  fail(problem: string): Line {
    return { location: { file: this.#file, line: this.#line + 1 }, problem };
  }

  #append(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) this.#parts = [];
    else if (bytes.length > 0) this.#parts.push(bytes);
  }

  #finish(): Line[] {
    const [parts, length] = [this.#parts, this.#bytes];
    this.#parts = [];
    this.#bytes = 0;
    this.#line += 1;
    const location = { file: this.#file, line: this.#line };
    if (length > this.#maxBytes) return [{ location, problem: `is longer than ${this.#maxBytes} bytes` }];
    const [first] = parts;
    const bytes = parts.length === 1 && first ? first : Buffer.concat(parts);
    if (!isUtf8(bytes)) return [{ location, problem: 'is not UTF-8' }];
    // Also removes a byte order mark and the carriage return of a CRLF.
    const text = bytes.toString().trim();
    return text === '' ? [] : [{ location, text }];
  }
}

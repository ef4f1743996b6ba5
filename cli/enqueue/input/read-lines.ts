/**
 * Splits an input, plain or gzipped, into lines, one chunk at a time, so that memory does not grow with the size of the
 * input. Knows nothing of the content of the lines.
 */
import { isUtf8 } from 'node:buffer';
import { addAbortSignal, pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import { reasonOf } from '../../errors/cli-error.ts';
import type { LineInput } from './open-inputs.ts';

const chunkBytes = 128 * 1024;
const newline = 0x0a;

/** The position of a line; lines count from 1. */
export interface LineLocation {
  readonly file: string;
  readonly line: number;
}

/** A non-empty line, or the reason why it cannot be read. */
export type Line = { readonly location: LineLocation } & ({ readonly text: string } | { readonly problem: string });

/** Yields the lines of each chunk together. Ends early, without an error, when `signal` aborts. */
export async function* readLines(input: LineInput, signal: AbortSignal): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter(input.name);
  try {
    for await (const chunk of await gunzipIfCompressed(addAbortSignal(signal, input.open())))
      yield splitter.split(chunk);
    yield splitter.end();
  } catch (error) {
    if (signal.aborted) return;
    // The lines before the error were read and are kept.
    yield [splitter.fail(`cannot be read any further: ${reasonOf(error)}`)];
  }
}

/** Recognises gzip by its first two bytes, not by the file name. */
async function gunzipIfCompressed(input: Readable): Promise<AsyncIterable<Buffer>> {
  const chunks: AsyncIterator<Buffer> = input[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  while (first.length < 2) {
    const next = await chunks.next();
    if (next.done) break;
    first = Buffer.concat([first, next.value]);
  }
  const all = (async function* () {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  })();
  const isGzip = first[0] === 0x1f && first[1] === 0x8b;
  // An error is rethrown to the reader of the result.
  return isGzip ? pipeline(all, createGunzip({ chunkSize: chunkBytes }), () => undefined) : all;
}

class LineSplitter {
  readonly #file: string;
  #line = 0;
  /** The beginning of an unfinished line; undefined once it exceeds the maximum length. */
  #rest: Buffer | undefined = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
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
    return this.#rest?.length === 0 ? [] : this.#finish();
  }

  fail(problem: string): Line {
    return { location: { file: this.#file, line: this.#line + 1 }, problem };
  }

  #append(bytes: Buffer): void {
    if (!this.#rest) return;
    const isTooLong = this.#rest.length + bytes.length > maxRequestBytes;
    this.#rest = isTooLong ? undefined : this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  #finish(): Line[] {
    const bytes = this.#rest;
    this.#rest = Buffer.alloc(0);
    this.#line += 1;
    const location = { file: this.#file, line: this.#line };
    if (!bytes) return [{ location, problem: `is longer than ${maxRequestBytes} bytes` }];
    if (!isUtf8(bytes)) return [{ location, problem: 'is not UTF-8' }];
    const text = bytes.toString().trim();
    return text === '' ? [] : [{ location, text }];
  }
}

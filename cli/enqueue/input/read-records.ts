/** Reads the records of an input in its format. Records are located by their lines, in JSON by their index in the array. */
import { JSONParser } from '@streamparser/json';
import { parse as parseCsv } from 'csv-parse';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import { reasonOf } from '../../errors/cli-error.ts';
import { transformAll } from './bytes/transform-all.ts';
import type { LineInput } from './open-inputs.ts';
import { type Line, readBytes, readLines } from './read-lines.ts';

const inputFormats = ['ndjson', 'csv', 'json', 'geojson'] as const;
export type InputFormat = (typeof inputFormats)[number];

const pieceBytes = 64 * 1024;
const byteOrderMark = Buffer.from('\ufeff');

export type ReadRecords = (input: LineInput, signal: AbortSignal) => AsyncGenerator<Line[]>;

/** Every reader ends early, without an error, when its signal aborts, and reports an error as the last line. */
export const recordReaders: Readonly<Record<InputFormat, ReadRecords>> = {
  ndjson: (input, signal) => readLines(input, signal),
  csv: (input, signal) => reportErrors(input, signal, readCsv),
  json: (input, signal) => reportErrors(input, signal, (bytes, file) => readJson(bytes, file, '$.*')),
  geojson: (input, signal) => reportErrors(input, signal, (bytes, file) => readJson(bytes, file, '$.features.*')),
};

/** Guesses the format from the extension of a file; NDJSON if it is unknown. */
export function guessFormat(file: string): InputFormat {
  const [, extension] = /\.([a-z]+)(\.gz)?$/i.exec(file) ?? [];
  return inputFormats.find((format) => format === extension?.toLowerCase()) ?? 'ndjson';
}

type ReadParsed = (bytes: AsyncIterable<Buffer>, file: string) => AsyncGenerator<Line[]>;

async function* reportErrors(input: LineInput, signal: AbortSignal, read: ReadParsed): AsyncGenerator<Line[]> {
  let line = 0;
  try {
    for await (const records of read(readBytes(input, signal), input.name)) {
      line = records.at(-1)?.location.line ?? line;
      yield records;
    }
  } catch (error) {
    if (signal.aborted) return;
    const location = { file: input.name, line: line + 1 };
    yield [{ location, problem: `cannot be read any further: ${reasonOf(error)}` }];
  }
}

interface CsvRow {
  readonly record: Record<string, string>;
  readonly info: { readonly lines: number };
}

/** The first line has the column names. */
async function* readCsv(bytes: AsyncIterable<Buffer>, file: string): AsyncGenerator<Line[]> {
  const stream = parseCsv({
    ...{ bom: true, columns: true, info: true, trim: true, skip_empty_lines: true },
    // A missing value is reported when the record is mapped, with its line.
    relax_column_count: true,
    max_record_size: maxRequestBytes,
  });
  for await (const rows of transformAll<CsvRow>(bytes, stream, pieceBytes)) {
    yield rows.map(({ record, info }) => ({
      location: { file, line: info.lines },
      value: record,
      size: sumLengths(record),
    }));
  }
}

function sumLengths(record: Readonly<Record<string, string>>): number {
  return Object.values(record).reduce((sum, text) => sum + text.length, 0);
}

/** @param path selects the records */
async function* readJson(bytes: AsyncIterable<Buffer>, file: string, path: string): AsyncGenerator<Line[]> {
  const parser = new JSONParser({ paths: [path], keepStack: false });
  let [count, sinceRecord] = [0, 0];
  let records: Line[] = [];
  let failure: Error | undefined;
  parser.onValue = ({ value, key }) => {
    count += 1;
    const location = { file, line: count };
    if (typeof key !== 'number') failure = new Error('it is not an array');
    else if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      records.push({ location, problem: 'is not a JSON object' });
    } else records.push({ location, value: value as unknown as Record<string, unknown>, size: sinceRecord });
  };
  parser.onError = (error) => {
    failure ??= error;
  };
  let isFirst = true;
  for await (const chunk of bytes) {
    const hasMark = isFirst && chunk.subarray(0, 3).equals(byteOrderMark);
    isFirst = false;
    for (let start = hasMark ? 3 : 0; start < chunk.length && !failure; start += pieceBytes) {
      const piece = chunk.subarray(start, start + pieceBytes);
      sinceRecord += piece.length;
      if (sinceRecord > maxRequestBytes + pieceBytes)
        failure = new Error(`a record is longer than ${maxRequestBytes} bytes`);
      else parser.write(piece);
      if (records.length === 0) continue;
      yield records;
      records = [];
      sinceRecord = 0;
    }
    if (failure) throw failure;
  }
  if (!parser.isEnded) throw new Error('it ends within a value');
}

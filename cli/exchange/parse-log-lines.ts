/** Parses the lines of an exported log, each validated by the schema of its kind. */
import secureJson from 'secure-json-parse';
import type { z } from 'zod';
import { type ImportLine, ImportRefused } from '../../db/import/import-log.ts';
import type { StoredEntry } from '../../db/models/update-row.ts';
import { toInputErrors } from '../../shared/contract/problem.ts';
import { createLogLineSchemas, findLineKind, type LogHeader, logFormat } from '../../shared/exchange/log-lines.ts';
import type { Line } from '../enqueue/input/read-lines.ts';
import { reasonOf } from '../errors/cli-error.ts';

/** Parses one line after the other. Every call @throws ImportRefused */
interface LogLineParser {
  header(line: Line): LogHeader;
  line(line: Line): ImportLine;
}

export function createLogLineParser(gridSize: number): LogLineParser {
  const schemas = createLogLineSchemas(gridSize);
  return {
    header(line) {
      const value = parseObject(line);
      const format = 'format' in value ? value.format : undefined;
      if (format !== logFormat) throw new ImportRefused(describeFormat(format));
      return parse(schemas.header, value);
    },
    line(line) {
      const value = parseObject(line);
      switch (findLineKind(value)) {
        case 'snapshot':
          return { kind: 'snapshot', snapshot: parse(schemas.snapshot, value).snapshot };
        case 'clock':
          return { kind: 'clock', clock: parse(schemas.clock, value) };
        case 'update':
          return toEntry(schemas.update, value);
        case 'erasure':
          return toEntry(schemas.erasure, value);
        case 'erased':
          return toEntry(schemas.erased, value);
        case 'end':
          return { kind: 'end', end: parse(schemas.end, value) };
        default:
          throw new ImportRefused('is no line of an exported log');
      }
    },
  };
}

function describeFormat(format: unknown): string {
  if (typeof format !== 'string') return `is not the header of an exported log ("format":"${logFormat}")`;
  const isOfApi = format === 'field-updates-1';
  const hint = isOfApi ? ', which has neither users nor salts, so that its hashes cannot be checked: use `export`' : '';
  return `has the format ${format} and not ${logFormat}${hint}`;
}

function parseObject(line: Line): object {
  if ('problem' in line) throw new ImportRefused(line.problem);
  if ('value' in line) return line.value;
  let value: unknown;
  try {
    value = secureJson.parse(line.text);
  } catch (error) {
    throw new ImportRefused(`is not JSON: ${reasonOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ImportRefused('is no JSON object');
  return value;
}

function parse<Output>(schema: z.ZodType<Output>, value: object): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first, ...others] = toInputErrors(parsed.error);
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  throw new ImportRefused(`${first?.path ?? ''}: ${first?.message ?? 'invalid'}${more}`);
}

/** The entry as it is in the file, because its hash does not cover what defaults of a schema would add. */
function toEntry(schema: z.ZodType, value: object): ImportLine {
  parse(schema, value);
  return { kind: 'entry', entry: value as StoredEntry };
}

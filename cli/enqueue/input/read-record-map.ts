/** Reads `--map`, and checks that there is one for formats that have no updates of their own. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import secureJson from 'secure-json-parse';
import { CliError, reasonOf } from '../../errors/cli-error.ts';
import { fileError } from '../../errors/file-errors.ts';
import { createRecordMap, type MapRecord, recordMapSchema } from './map-record.ts';
import type { InputFormat } from './read-records.ts';

const hint = 'It is an update in JSON, or a file with it. `npx consciousness-field enqueue --help` has an example.';

/** @param map JSON, or the name of a file with it. @throws CliError `usage` */
export function readRecordMap(
  map: string | undefined,
  formats: readonly InputFormat[],
  cwd: string,
): MapRecord | undefined {
  if (map === undefined) {
    const unmapped = formats.find((format) => format === 'csv' || format === 'geojson');
    if (unmapped)
      throw new CliError('usage', `--map is missing: it says how a record of ${unmapped} becomes an update.`, { hint });
    return undefined;
  }
  const parsed = recordMapSchema.safeParse(parse(map, cwd));
  if (!parsed.success) throw new CliError('usage', '--map is not a JSON object.', { hint });
  return createRecordMap(parsed.data);
}

function parse(map: string, cwd: string): unknown {
  try {
    return secureJson.parse(map.trimStart().startsWith('{') ? map : readFileSync(resolve(cwd, map), 'utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw fileError(cause, { exit: 'usage', file: `--map ${map}`, verb: 'read' });
    throw new CliError('usage', `--map is not JSON: ${reasonOf(cause)}.`, { hint, cause });
  }
}

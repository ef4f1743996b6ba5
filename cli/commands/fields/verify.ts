/** `field verify`: the proof that fields are what their logs say, and that the cache says the same. */
import type { Command } from 'commander';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { type FieldVerification, listFields, verifyField } from '../../../db/read/verify-field.ts';
import { type FieldId, globalField } from '../../../shared/field/ids.ts';
import { type CacheComparison, type CompareCache, withCacheComparison } from '../../backends/compare-cache.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { exitCodes } from '../../errors/cli-error.ts';
import { fieldNotFound } from '../../errors/field-not-found.ts';
import { collectFields } from '../../input/parse-arguments.ts';
import { readSettings } from '../../input/read-settings.ts';
import { pluralize } from '../../output/format-numbers.ts';
import { startProgress } from '../../output/progress.ts';

interface VerifyResult extends FieldVerification {
  readonly cache: CacheComparison['status'];
}

export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description('Replays the logs from the oldest that is kept, and compares all that is stored and cached with them.')
    .argument('[field...]', 'the fields; all of them if none is named', collectFields)
    .option('--json', 'prints the results as JSON')
    .addHelpText(
      'after',
      '\nExit code 1 means that something differs.\n\nExample:\n  $ npx consciousness-field verify global',
    )
    .action(run);
}

async function run(named: FieldId[] | undefined, { json }: { json?: boolean }): Promise<void> {
  const settings = readSettings(['DATABASE_URL', 'CACHE_TTL_SECONDS', 'QUEUE_PREFIX'], process.env, [
    'CACHE_REDIS_URL',
  ]);
  const results = await withDatabase(settings.DATABASE_URL, async (db) => {
    const known = await listFields(db);
    const fields = selectFields(known, named ?? []);
    const verify = (field: FieldId) =>
      known.includes(field) ? verifyField(db, field) : createEmptyVerification(field);
    return withCacheComparison({ reader: createFieldReader(db), settings }, (compare) =>
      verifyAll({ fields, verify, compare, json }),
    );
  });
  const differing = results.filter(({ differences }) => differences.length > 0).length;
  if (json) console.log(JSON.stringify({ fields: results, differing }));
  else console.log(`${pluralize(results.length, 'field')} verified, ${differing} differ`);
  if (differing > 0) process.exitCode = exitCodes.no;
}

function selectFields(known: readonly FieldId[], named: readonly FieldId[]): readonly FieldId[] {
  if (named.length === 0) return known;
  for (const field of named) if (!known.includes(field) && field !== globalField) throw fieldNotFound(field);
  return [...new Set(named)];
}

/** `global` exists before anything was written to it. */
function createEmptyVerification(field: FieldId): FieldVerification {
  return { field, version: 0, replayedFrom: 0, snapshotsCompared: 0, differences: [] };
}

interface VerifyAllDeps {
  readonly fields: readonly FieldId[];
  readonly verify: (field: FieldId) => FieldVerification | Promise<FieldVerification>;
  readonly compare: CompareCache;
  readonly json?: boolean;
}

/** On a terminal the lines come once the bar is gone, elsewhere as soon as they are known. */
async function verifyAll({ fields, verify, compare, json }: VerifyAllDeps): Promise<VerifyResult[]> {
  const results: VerifyResult[] = [];
  const progress = startProgress(process.stderr);
  try {
    for (const field of fields) {
      progress.show({
        done: results.length,
        total: fields.length,
        text: `${results.length} of ${fields.length} ${field}`,
      });
      const verification = await verify(field);
      const { status, differences } = await compare(field);
      const result = { ...verification, differences: [...verification.differences, ...differences], cache: status };
      results.push(result);
      if (!json && !process.stderr.isTTY) console.log(describe(result));
    }
  } finally {
    progress.stop();
  }
  if (!json && process.stderr.isTTY) for (const result of results) console.log(describe(result));
  return results;
}

function describe({ field, version, replayedFrom, differences, cache }: VerifyResult): string {
  const mark = differences.length > 0 ? 'DIFFERS' : 'ok';
  const from = replayedFrom > 0 ? ` from ${replayedFrom}` : '';
  const line = `${mark}  ${field}  version ${version}  replayed ${version - replayedFrom}${from}  cache ${cache}`;
  return [line, ...differences.map((difference) => `    ${difference}`)].join('\n');
}

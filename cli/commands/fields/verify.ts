/** `verify`: checks that stored fields and their cached copies equal the replay of their logs. */
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { type FieldVerification, listFields, verifyField } from '../../../db/read/verify-field.ts';
import { type FieldId, globalField } from '../../../shared/field/ids.ts';
import { type CacheComparison, type CompareCache, withCacheComparison } from '../../backends/compare-cache.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { fieldNotFound } from '../../errors/field-errors.ts';
import { readSettings } from '../../input/read-settings.ts';
import { startProgress } from '../../output/progress.ts';
import { pluralize } from '../../text/format-numbers.ts';

interface VerifyResult extends FieldVerification {
  readonly cache: CacheComparison['status'];
}

export interface VerifyOptions {
  readonly json?: boolean;
}

/** @param named the fields to verify; all of them when it is empty */
export async function verifyFields(
  named: readonly FieldId[],
  { json }: VerifyOptions,
  context: CommandContext,
): Promise<void> {
  const settings = readSettings(['DATABASE_URL', 'CACHE_TTL_SECONDS', 'QUEUE_PREFIX'], context, ['CACHE_REDIS_URL']);
  const results = await withDatabase(settings.DATABASE_URL, async (db) => {
    const known = await listFields(db);
    const fields = selectFields(known, named);
    const verify = (field: FieldId) =>
      known.includes(field) ? verifyField(db, field) : createEmptyVerification(field);
    return withCacheComparison({ reader: createFieldReader(db), settings, warn: context.warn }, (compare) =>
      verifyAll(fields, {
        verify,
        compare,
        onResult: json ? () => {} : (result) => context.print(describe(result)),
        context,
      }),
    );
  });
  const differing = results.filter(({ differences }) => differences.length > 0).length;
  if (json) context.print(JSON.stringify({ fields: results, differing }));
  else context.print(`${pluralize(results.length, 'field')} verified, ${differing} differ`);
  if (differing > 0) context.setExitCode('negative');
}

function selectFields(known: readonly FieldId[], named: readonly FieldId[]): readonly FieldId[] {
  if (named.length === 0) return known;
  for (const field of named) if (!known.includes(field) && field !== globalField) throw fieldNotFound(field);
  return [...new Set(named)];
}

/** `global` exists before anything is written to it. */
function createEmptyVerification(field: FieldId): FieldVerification {
  return { field, version: 0, replayedFrom: 0, snapshotsCompared: 0, differences: [] };
}

interface VerifyAllDeps {
  readonly verify: (field: FieldId) => FieldVerification | Promise<FieldVerification>;
  readonly compare: CompareCache;
  readonly onResult: (result: VerifyResult) => void;
  readonly context: CommandContext;
}

/** On a terminal the results are printed once the progress bar is gone, elsewhere as soon as they are known. */
async function verifyAll(
  fields: readonly FieldId[],
  { verify, compare, onResult, context }: VerifyAllDeps,
): Promise<VerifyResult[]> {
  const results: VerifyResult[] = [];
  const isTerminal = context.stderr.isTTY === true;
  const progress = startProgress(context.stderr);
  try {
    for (const field of fields) {
      const done = results.length;
      progress.show({ done, total: fields.length, text: `${done} of ${fields.length} ${field}` });
      const verification = await verify(field);
      const { status, differences } = await compare(field);
      const result = { ...verification, differences: [...verification.differences, ...differences], cache: status };
      results.push(result);
      if (!isTerminal) onResult(result);
    }
  } finally {
    progress.stop();
  }
  if (isTerminal) results.forEach(onResult);
  return results;
}

function describe({ field, version, replayedFrom, differences, cache }: VerifyResult): string {
  const mark = differences.length > 0 ? 'DIFFERS' : 'ok';
  const from = replayedFrom > 0 ? ` from ${replayedFrom}` : '';
  const line = `${mark}  ${field}  version ${version}  replayed ${version - replayedFrom}${from}  cache ${cache}`;
  return [line, ...differences.map((difference) => `    ${difference}`)].join('\n');
}

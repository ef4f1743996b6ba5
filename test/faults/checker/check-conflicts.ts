/** Checks the stored conflict count and records against an independent fold of the log. */
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Observer } from '../observer.ts';
import { type FoundConflict, foldConflicts } from './fold-conflicts.ts';
import type { LogRow } from './read-log.ts';
import { type Violation, violation, violationOf } from './violation.ts';

const keptConflicts = 50;

export async function checkConflicts(
  { reader }: Observer,
  field: FieldId,
  log: readonly LogRow[],
): Promise<Violation[]> {
  const { conflicts: found, wrongOutcomes } = foldConflicts(log);
  const stored = await reader.readConflicts(field);
  const violations = violationOf('conflicts', `${field}: logged outcomes`, wrongOutcomes);
  if (stored?.total !== found.length) {
    violations.push(violation('conflicts', `${field}: ${stored?.total} counted, ${found.length} expected`));
  }
  const kept = stored?.conflicts ?? [];
  if (kept.length !== Math.min(keptConflicts, found.length)) {
    violations.push(violation('conflicts', `${field}: ${kept.length} records are kept, of ${found.length} conflicts`));
  }
  // The oldest version is left out: if its update caused several conflicts, only some of them may be kept.
  const newest = kept.filter(({ version }) => version > (kept.at(-1)?.version ?? 0));
  const oldest = newest.at(-1)?.version ?? Number.POSITIVE_INFINITY;
  const expected = new Set(found.filter(({ version }) => version >= oldest).map(describeConflict));
  const actual = new Set(newest.map(describeConflict));
  const missing = [...expected].filter((text) => !actual.has(text)).map((text) => `missing ${text}`);
  const extra = [...actual].filter((text) => !expected.has(text)).map((text) => `unexpected ${text}`);
  return [...violations, ...violationOf('conflicts', `${field}: records`, [...missing, ...extra])];
}

function describeConflict({ version, cell, resolution }: FoundConflict): string {
  return `${version} ${cell} ${resolution}`;
}

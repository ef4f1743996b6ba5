/** The conflicts counted and kept are those that an independent fold of the log, in its order, finds. */
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
  const violations = violationOf('conflicts', `${field}: outcomes of the log`, wrongOutcomes);
  if (stored?.total !== found.length) {
    violations.push(violation('conflicts', `${field}: ${stored?.total} counted, ${found.length} found`));
  }
  const kept = stored?.conflicts ?? [];
  if (kept.length !== Math.min(keptConflicts, found.length)) {
    violations.push(violation('conflicts', `${field}: ${kept.length} records are kept of ${found.length}`));
  }
  // Of an update that met more than one, the oldest record kept may be any.
  const newest = kept.filter(({ version }) => version > (kept.at(-1)?.version ?? 0));
  const oldest = newest.at(-1)?.version ?? Number.POSITIVE_INFINITY;
  const expected = new Set(found.filter(({ version }) => version >= oldest).map(textOf));
  const actual = new Set(newest.map(textOf));
  const missing = [...expected].filter((text) => !actual.has(text)).map((text) => `missing ${text}`);
  const extra = [...actual].filter((text) => !expected.has(text)).map((text) => `not found ${text}`);
  return [...violations, ...violationOf('conflicts', `${field}: records`, [...missing, ...extra])];
}

function textOf({ version, cell, resolution }: FoundConflict): string {
  return `${version} ${cell} ${resolution}`;
}

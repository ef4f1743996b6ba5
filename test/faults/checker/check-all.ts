/** Everything that must hold once the dust has settled. */
import { fields } from '../devices/crowd.ts';
import { checkConflicts } from './check-conflicts.ts';
import { checkLog } from './check-log.ts';
import { checkState, type StateSources } from './check-state.ts';
import { readLogRows } from './read-log.ts';
import type { Violation } from './violation.ts';

export async function checkAll(sources: StateSources): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const field of fields) {
    const log = await readLogRows(sources.observer.db, field);
    violations.push(
      ...checkLog(sources.crowd.ledger.of(field), log),
      ...(await checkConflicts(sources.observer, field, log)),
      ...(await checkState(sources, field)),
    );
  }
  return violations;
}

/** Runs every check that must hold once the system is quiescent. */
import { checkConflicts } from './check-conflicts.ts';
import { checkLog } from './check-log.ts';
import { type CheckStateDeps, checkState } from './check-state.ts';
import { readWholeLog } from './read-log.ts';
import type { Violation } from './violation.ts';

export async function checkAll(deps: CheckStateDeps): Promise<Violation[]> {
  const { observer, devicePool } = deps;
  const violations: Violation[] = [];
  for (const field of devicePool.fields) {
    const log = await readWholeLog(observer.db, observer.archive, field);
    violations.push(
      ...checkLog(devicePool.ledger.entriesOf(field), log),
      ...(await checkConflicts(observer, field, log.rows)),
      ...(await checkState(deps, field, log.rows)),
    );
  }
  return violations;
}

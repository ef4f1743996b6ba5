/** Runs every check that must hold once the system is quiescent. */
import { fields } from '../devices/device-pool.ts';
import { checkConflicts } from './check-conflicts.ts';
import { checkLog } from './check-log.ts';
import { type CheckStateDeps, checkState } from './check-state.ts';
import { readLogRows } from './read-log.ts';
import type { Violation } from './violation.ts';

export async function checkAll(deps: CheckStateDeps): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const field of fields) {
    const log = await readLogRows(deps.observer.db, field);
    violations.push(
      ...checkLog(deps.devicePool.ledger.entriesOf(field), log),
      ...(await checkConflicts(deps.observer, field, log)),
      ...(await checkState(deps, field)),
    );
  }
  return violations;
}

/** Records what a command does for an operator, who is identified by the user of the operating system and the host. */
import { hostname, userInfo } from 'node:os';
import type { Knex } from 'knex';
import { type OperatorAction, recordOperatorActions } from '../../db/operators/operator-action.ts';

export type CommandAction = Pick<OperatorAction, 'action' | 'target' | 'details'>;

/** Call it before the action where possible, so that nothing is done without a record. */
export async function recordActions(db: Knex, actions: readonly CommandAction[]): Promise<void> {
  const operator = findOperator();
  await recordOperatorActions(
    db,
    actions.map((action) => ({ ...action, operator, origin: 'command line' })),
  );
}

/** For example `ada@db-1`. */
export function findOperator(): string {
  return `${findUser()}@${hostname()}`;
}

/** A container may run as a user id without a name. */
function findUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

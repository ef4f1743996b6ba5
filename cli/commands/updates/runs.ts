/** `runs`: lists the runs of `enqueue`, and pauses, resumes or cancels one. */
import {
  changeRun,
  type EnqueueRunRow,
  findRun,
  listRuns,
  type RunChange,
  type RunStatus,
  runChanges,
} from '../../../db/operators/enqueue-run.ts';
import { recordActions } from '../../backends/record-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable } from '../../output/render-table.ts';
import { formatCount, pluralize } from '../../text/format-numbers.ts';

export interface ListRunsOptions {
  readonly limit: number;
  readonly json?: boolean;
}

export interface ChangeRunOptions {
  readonly json?: boolean;
}

const startAgain = 'Start the same `enqueue` command again: applied updates are skipped.';

/** Hints for a run whose status does not allow the requested change. */
const nextSteps: Readonly<Record<RunStatus, string>> = {
  running: 'Pause it first with `runs pause`, or leave it as it is.',
  paused: 'Resume it with `runs resume`, or cancel it with `runs cancel`.',
  cancelled: startAgain,
  stopped: startAgain,
  finished: 'Nothing is left to do: it has sent all of its input.',
};

export async function printRuns({ limit, json }: ListRunsOptions, context: CommandContext): Promise<void> {
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  const runs = await withDatabase(DATABASE_URL, (db) => listRuns(db, limit));
  if (json) return context.print(JSON.stringify({ runs: runs.map(describe) }));
  if (runs.length === 0) return context.print('There are no runs');
  const head = ['id', 'name', 'field', 'operator', 'started', 'reported', 'status', 'accepted', 'applied', 'refused'];
  context.print(renderTable([head, ...runs.map(toRow)]));
  context.print(pluralize(runs.length, 'run'));
}

export async function changeOneRun(
  { id, change }: { readonly id: string; readonly change: RunChange },
  { json }: ChangeRunOptions,
  context: CommandContext,
): Promise<void> {
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  const { from, to } = runChanges[change];
  await withDatabase(DATABASE_URL, async (db) => {
    const run = await findRun(db, id);
    if (!run)
      throw new CliError('negative', `There is no run ${id}.`, {
        hint: 'List them with `npx consciousness-field runs`.',
      });
    await recordActions(db, [{ action: `runs.${change}`, target: id, details: { name: run.name } }]);
    if (!(await changeRun(db, id, change))) {
      throw new CliError(
        'negative',
        `The run ${id} is ${run.status}, and only one that is ${from.join(' or ')} can be ${to}.`,
        { hint: nextSteps[run.status] },
      );
    }
  });
  context.print(json ? JSON.stringify({ id, status: to }) : `${id} is ${to}; the run follows within a second`);
}

function describe({ id, name, fieldId: field, operator, status, startedAt, reportedAt, counts }: EnqueueRunRow) {
  return { id, name, field, operator, status, startedAt, reportedAt, counts };
}

function toRow({ id, name, fieldId, operator, status, startedAt, reportedAt, counts }: EnqueueRunRow): string[] {
  const numbers = ['accepted', 'applied', 'refused'].map((key) => formatCount(counts[key] ?? 0));
  return [id, name, fieldId, operator, startedAt.toISOString(), reportedAt.toISOString(), status, ...numbers];
}

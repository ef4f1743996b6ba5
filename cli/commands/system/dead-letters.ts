/** `dead-letters`: lists, retries and discards the jobs that can never be applied. */
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import {
  createDeadLetterMatcher,
  type DeadLetter,
  type DeadLetterAction,
  describeDeadLetter,
  describeDeadLetterAction,
} from '../../../shared/queue/dead-letters.ts';
import { withDeadLetters } from '../../backends/dead-letter-jobs.ts';
import { recordActions } from '../../backends/record-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable, truncate } from '../../output/render-table.ts';
import { pluralize } from '../../text/format-numbers.ts';

const reasonWidth = 120;
const head = ['id', 'failed', 'field', 'device', 'counters', 'reason'];

export interface JsonOption {
  readonly json?: boolean;
}

/** Selects jobs; all conditions have to hold. */
export interface DeadLetterOptions {
  readonly field?: FieldId;
  readonly device?: DeviceId;
  readonly user?: string;
  readonly request?: string;
  /** A part of the reason. */
  readonly reason?: string;
  /** In seconds, back from now; likewise `until`. */
  readonly since?: number;
  readonly until?: number;
}
export type ListOptions = JsonOption & DeadLetterOptions;

export interface SelectOptions extends ListOptions {
  readonly all?: boolean;
}

export async function listDeadLetters({ json, ...filter }: ListOptions, context: CommandContext): Promise<void> {
  await withDeadLetters(context, async ({ letters: all }) => {
    const letters = all.filter(createMatcher(filter));
    if (json) return context.print(JSON.stringify({ total: letters.length, jobs: letters.map(describeDeadLetter) }));
    if (letters.length > 0) context.print(renderTable([head, ...letters.map(toRow)]));
    const none =
      all.length === 0 ? 'The dead-letter queue is empty' : `None of ${pluralize(all.length, 'dead-letter job')} match`;
    context.print(letters.length === 0 ? none : pluralize(letters.length, 'dead-letter job'));
  });
}

export async function showDeadLetter(id: string, { json }: JsonOption, context: CommandContext): Promise<void> {
  await withDeadLetters(context, async ({ letters }) => {
    const letter = findLetter(letters, id);
    context.print(JSON.stringify({ ...describeDeadLetter(letter), ...letter.data }, null, json ? 0 : 2));
  });
}

export async function retryDeadLetters(
  ids: readonly string[],
  options: SelectOptions,
  context: CommandContext,
): Promise<void> {
  const retried = await actOnSelected('retry', ids, options, context);
  context.print(options.json ? JSON.stringify({ retried }) : `${retried} retried`);
}

export async function discardDeadLetters(
  ids: readonly string[],
  options: SelectOptions,
  context: CommandContext,
): Promise<void> {
  const discarded = await actOnSelected('discard', ids, options, context);
  context.print(options.json ? JSON.stringify({ discarded }) : `${discarded} discarded`);
}

/**
 * @returns how many were changed, without those that somebody else has changed meanwhile
 * @throws CliError `usage` unless jobs are selected in one way: by ids, by a filter, or all
 */
async function actOnSelected(
  action: DeadLetterAction,
  ids: readonly string[],
  { all = false, json: _, ...filter }: SelectOptions,
  context: CommandContext,
): Promise<number> {
  const ways = [ids.length > 0, Object.keys(filter).length > 0, all].filter(Boolean);
  if (ways.length !== 1)
    throw new CliError(
      'usage',
      'Specify the ids of jobs, or --field, --device, --user, --request, --reason, --since or --until, or --all.',
    );
  return withDeadLetters(context, async ({ letters, perform }) => {
    const selected = ids.length > 0 ? ids.map((id) => findLetter(letters, id)) : letters.filter(createMatcher(filter));
    const actions = selected.map((letter) => describeDeadLetterAction(action, describeDeadLetter(letter)));
    const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
    await withDatabase(DATABASE_URL, (db) => recordActions(db, actions));
    let changed = 0;
    for (const letter of selected) if (await perform(action, letter)) changed += 1;
    return changed;
  });
}

function createMatcher({ since, until, ...filter }: DeadLetterOptions): (letter: DeadLetter) => boolean {
  const toTime = (seconds: number | undefined) => (seconds === undefined ? undefined : Date.now() - 1000 * seconds);
  return createDeadLetterMatcher({ ...filter, sinceMs: toTime(since), untilMs: toTime(until) });
}

function findLetter(letters: readonly DeadLetter[], id: string): DeadLetter {
  const letter = letters.find((one) => one.id === id);
  if (letter) return letter;
  throw new CliError('negative', `There is no dead-letter job ${id}.`, {
    hint: 'List them with `npx consciousness-field dead-letters list`.',
  });
}

function toRow(letter: DeadLetter): string[] {
  const { field, device, counters: all } = describeDeadLetter(letter);
  const [first, last] = [all.at(0), all.at(-1)];
  const counters = first === last ? `${first}` : `${first}-${last}`;
  return [
    letter.id,
    new Date(letter.failedAt).toISOString(),
    field,
    device,
    counters,
    truncate(letter.reason.replace(/\s+/g, ' '), reasonWidth),
  ];
}

/** `dead-letters`: lists, retries and discards the jobs that can never be applied. */
import { type ApplyUpdates, listRequests } from '../../../shared/contract/job.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { type DeadLetterJob, withDeadLetterJobs } from '../../backends/dead-letter-jobs.ts';
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

/** Which jobs; all conditions have to hold. */
export interface DeadLetterFilter {
  readonly field?: FieldId;
  readonly device?: DeviceId;
  readonly user?: string;
  /** A part of the reason. */
  readonly reason?: string;
  /** In seconds, back from now. */
  readonly since?: number;
}
export type ListOptions = JsonOption & DeadLetterFilter;

export interface SelectOptions extends ListOptions {
  readonly all?: boolean;
}

export async function listDeadLetters({ json, ...filter }: ListOptions, context: CommandContext): Promise<void> {
  await withDeadLetterJobs(context, async (all) => {
    const jobs = all.filter(createMatcher(filter));
    if (json) return context.print(JSON.stringify({ total: jobs.length, jobs: jobs.map(describe) }));
    if (jobs.length > 0) context.print(renderTable([head, ...jobs.map(toRow)]));
    const none =
      all.length === 0 ? 'The dead-letter queue is empty' : `None of ${pluralize(all.length, 'dead-letter job')} match`;
    context.print(jobs.length === 0 ? none : pluralize(jobs.length, 'dead-letter job'));
  });
}

export async function showDeadLetter(id: string, { json }: JsonOption, context: CommandContext): Promise<void> {
  await withDeadLetterJobs(context, async (jobs) => {
    const job = findJob(jobs, id);
    context.print(JSON.stringify({ ...describe(job), ...job.data }, null, json ? 0 : 2));
  });
}

export async function retryDeadLetters(
  ids: readonly string[],
  options: SelectOptions,
  context: CommandContext,
): Promise<void> {
  await withSelectedJobs(ids, options, context, async (jobs) => {
    await recordJobActions('dead-letters.retry', jobs, context);
    for (const job of jobs) await job.retry();
    context.print(options.json ? JSON.stringify({ retried: jobs.length }) : `${jobs.length} retried`);
  });
}

export async function discardDeadLetters(
  ids: readonly string[],
  options: SelectOptions,
  context: CommandContext,
): Promise<void> {
  await withSelectedJobs(ids, options, context, async (jobs) => {
    await recordJobActions('dead-letters.discard', jobs, context);
    for (const job of jobs) await job.discard();
    context.print(options.json ? JSON.stringify({ discarded: jobs.length }) : `${jobs.length} discarded`);
  });
}

/** @throws CliError `usage` unless jobs are selected in one way: by ids, by a filter, or all */
async function withSelectedJobs(
  ids: readonly string[],
  { all = false, json: _, ...filter }: SelectOptions,
  context: CommandContext,
  work: (jobs: readonly DeadLetterJob[]) => Promise<void>,
): Promise<void> {
  const ways = [ids.length > 0, Object.keys(filter).length > 0, all].filter(Boolean);
  if (ways.length !== 1)
    throw new CliError(
      'usage',
      'Specify the ids of jobs, or --field, --device, --user, --reason or --since, or --all.',
    );
  await withDeadLetterJobs(context, (jobs) =>
    work(ids.length > 0 ? ids.map((id) => findJob(jobs, id)) : jobs.filter(createMatcher(filter))),
  );
}

function createMatcher({ field, device, user, reason, since }: DeadLetterFilter): (job: DeadLetterJob) => boolean {
  const oldest = since === undefined ? Number.NEGATIVE_INFINITY : Date.now() - 1000 * since;
  const isOf = (request: ApplyUpdates | null) =>
    (field === undefined || request?.field === field) &&
    (device === undefined || request?.device === device) &&
    (user === undefined || request?.user === user);
  return (job) =>
    job.failedAt >= oldest &&
    (reason === undefined || job.reason.includes(reason)) &&
    listRequests(job.data).some(isOf);
}

/** What is discarded is described, since the job will be gone. */
async function recordJobActions(
  action: string,
  jobs: readonly DeadLetterJob[],
  context: CommandContext,
): Promise<void> {
  const actions = jobs.map((job) => {
    const { id, reason, field, device, counters } = describe(job);
    const [first, last] = [counters.at(0), counters.at(-1)];
    return { action, target: `job ${id}`, details: { field, device, counters: [first, last], reason } };
  });
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  await withDatabase(DATABASE_URL, (db) => recordActions(db, actions));
}

function findJob(jobs: readonly DeadLetterJob[], id: string): DeadLetterJob {
  const job = jobs.find((one) => one.id === id);
  if (job) return job;
  throw new CliError('negative', `There is no dead-letter job ${id}.`, {
    hint: 'List them with `npx consciousness-field dead-letters list`.',
  });
}

function describe({ id, reason, failedAt, data }: DeadLetterJob) {
  const requests = listRequests(data);
  const field = [...new Set(requests.map((request) => request?.field))].join(', ');
  const device = [...new Set(requests.map((request) => request?.device))].join(', ');
  return { id, failedAt, reason, field, device, counters: requests.flatMap(countersOf) };
}

function toRow(job: DeadLetterJob): string[] {
  const { field, device, counters: all } = describe(job);
  const [first, last] = [all.at(0), all.at(-1)];
  const counters = first === last ? `${first}` : `${first}-${last}`;
  return [
    job.id,
    new Date(job.failedAt).toISOString(),
    field,
    device,
    counters,
    truncate(job.reason.replace(/\s+/g, ' '), reasonWidth),
  ];
}

/** A job may be in the dead-letter queue because its data is malformed, so nothing is assumed of its shape. */
function countersOf(request: ApplyUpdates | null): number[] {
  return Array.isArray(request?.updates) ? request.updates.map((update) => update?.counter) : [];
}

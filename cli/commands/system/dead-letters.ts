/** `field dead`: looks at the jobs that can never be applied, and tries them again or throws them away. */
import type { Command } from 'commander';
import { type ApplyUpdates, listRequests } from '../../../shared/contract/job.ts';
import { type DeadLetterJob, withDeadLetterJobs } from '../../backends/dead-letter-jobs.ts';
import { CliError } from '../../errors/cli-error.ts';
import { renderTable, truncate } from '../../output/render-table.ts';

const reasonWidth = 120;
const head = ['id', 'failed', 'field', 'device', 'counters', 'reason'];

interface DeadLetterOptions {
  all?: boolean;
  json?: boolean;
}

export function addDeadLettersCommand(program: Command): void {
  const command = program
    .command('dead')
    .description('Deals with jobs that can never be applied: each stands apart with its reason, and blocks nothing.')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExample:\n  $ npx consciousness-field dead list\n  $ npx consciousness-field dead retry 17',
    );
  command
    .command('list')
    .description('lists them, the newest first')
    .option('--json', 'prints them as JSON')
    .action(list);
  command
    .command('show')
    .description('shows one of them, with its updates')
    .argument('<id>', 'its id, as listed')
    .option('--json', 'on one line')
    .action(show);
  command
    .command('retry')
    .description('puts them back into the queue, when what stood in the way has been mended')
    .argument('[id...]', 'their ids, as listed')
    .option('--all', 'all of them')
    .option('--json', 'prints how many as JSON')
    .action((ids: string[], options: DeadLetterOptions) => applyToJobs(ids, options, 'retried', (job) => job.retry()));
  command
    .command('discard')
    .description('throws them away for good: their updates will not be applied')
    .argument('[id...]', 'their ids, as listed')
    .option('--all', 'all of them')
    .option('--json', 'prints how many as JSON')
    .action((ids: string[], options: DeadLetterOptions) =>
      applyToJobs(ids, options, 'discarded', (job) => job.discard()),
    );
}

async function list({ json }: { json?: boolean }): Promise<void> {
  await withDeadLetterJobs(async (jobs) => {
    if (json) return console.log(JSON.stringify({ total: jobs.length, jobs: jobs.map(describe) }));
    if (jobs.length > 0) console.log(renderTable([head, ...jobs.map(toRow)]));
    console.log(jobs.length === 0 ? 'No job is dead' : `${jobs.length} dead jobs`);
  });
}

async function show(id: string, { json }: { json?: boolean }): Promise<void> {
  await withDeadLetterJobs(async (jobs) => {
    for (const job of selectJobs(jobs, [id]))
      console.log(JSON.stringify({ ...describe(job), ...job.data }, null, json ? 0 : 2));
  });
}

async function applyToJobs(
  ids: string[],
  { all, json }: DeadLetterOptions,
  outcome: 'retried' | 'discarded',
  action: (job: DeadLetterJob) => Promise<void>,
): Promise<void> {
  if (ids.length > 0 === (all === true)) throw new CliError('usage', 'Name the ids of jobs, or --all of them.');
  await withDeadLetterJobs(async (jobs) => {
    const selected = all ? jobs : selectJobs(jobs, ids);
    for (const job of selected) await action(job);
    console.log(json ? JSON.stringify({ [outcome]: selected.length }) : `${selected.length} ${outcome}`);
  });
}

function selectJobs(jobs: readonly DeadLetterJob[], ids: readonly string[]): DeadLetterJob[] {
  return ids.map((id) => {
    const job = jobs.find((one) => one.id === id);
    if (!job)
      throw new CliError('no', `There is no dead job ${id}.`, { hint: 'See `npx consciousness-field dead list`.' });
    return job;
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

/** What is dead may be of any shape. */
function countersOf(request: ApplyUpdates | null): number[] {
  return Array.isArray(request?.updates) ? request.updates.map((update) => update?.counter) : [];
}

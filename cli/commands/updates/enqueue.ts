/** `enqueue`: sends updates from files straight to the queue, as a batch job that can be stopped and repeated. */
import type { Knex } from 'knex';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { agreeOnRuleSettings } from '../../../db/write/agree-on-rule-settings.ts';
import { ConfigError } from '../../../shared/config/config.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { withProducer } from '../../backends/with-redis.ts';
import type { CommandContext } from '../../context/command-context.ts';
import {
  countRejected,
  countSettled,
  createEnqueueCounts,
  describeProgress,
  type EnqueueCounts,
} from '../../enqueue/counts.ts';
import { enqueueInputs } from '../../enqueue/enqueue-inputs.ts';
import { dryRun } from '../../enqueue/input/dry-run.ts';
import { LineReport } from '../../enqueue/input/line-report.ts';
import { type LineInput, openInputs } from '../../enqueue/input/open-inputs.ts';
import { createLineParser } from '../../enqueue/input/parse-line.ts';
import { createResilientBackends } from '../../enqueue/resilient-backends.ts';
import { renderSummary } from '../../enqueue/summary.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { type Progress, startProgress } from '../../output/progress.ts';

const refreshMs = 100;
/** Jobs that may wait in the queue. The API rejects updates at MAX_BACKLOG, which may be lower. */
const maxWaitingJobs = 5000;

export interface EnqueueOptions {
  readonly field: FieldId;
  readonly device?: DeviceId;
  readonly batch: number;
  readonly wait: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface EnqueueDeps {
  readonly inputs: readonly LineInput[];
  readonly context: CommandContext;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface EnqueueOutcome {
  readonly complete: boolean;
  readonly version?: number;
}

/** Sets the exit code `stopped` when a signal ends it early, and `negative` when an update was rejected. */
export async function enqueue(
  files: readonly string[],
  options: EnqueueOptions,
  context: CommandContext,
): Promise<void> {
  const inputs = openInputs(files, context);
  const progress = startProgress(context.stderr);
  const counts = createEnqueueCounts();
  const report = new LineReport(progress.printLine);
  const show = () => progress.show({ done: countSettled(counts), total: counts.lines, text: describeProgress(counts) });
  const ticker = setInterval(show, refreshMs);
  const signal = context.catchShutdownSignals();
  const printStopping = () =>
    progress.printLine('Stopping once the updates in flight are applied. Press Ctrl-C again to stop at once.');
  signal.addEventListener('abort', printStopping, { once: true });
  const startedAt = performance.now();
  let outcome: EnqueueOutcome = { complete: false };
  try {
    const work = options.dryRun ? checkInput : sendInput;
    outcome = await work(options, { inputs, context, counts, report, progress, signal });
  } finally {
    clearInterval(ticker);
    signal.removeEventListener('abort', printStopping);
    report.finish();
    progress.stop();
    const seconds = (performance.now() - startedAt) / 1000;
    if (counts.lines > 0 || outcome.complete) {
      context.print(renderSummary({ counts, report, seconds, ...outcome }, options));
    }
    if (counts.lines > 0 && !outcome.complete) {
      context.warn('The input is not finished. Run the same command again to continue: applied updates are skipped.');
    }
  }
  if (!outcome.complete) context.setExitCode('stopped');
  else if (countRejected(counts) > 0) context.setExitCode('negative');
}

async function checkInput(
  { device }: EnqueueOptions,
  { inputs, context, counts, report, signal }: EnqueueDeps,
): Promise<EnqueueOutcome> {
  const { GRID_SIZE: gridSize } = readSettings(['GRID_SIZE'], context);
  const complete = await dryRun({ inputs, parse: createLineParser({ gridSize, device }), counts, report, signal });
  return { complete };
}

async function sendInput(options: EnqueueOptions, deps: EnqueueDeps): Promise<EnqueueOutcome> {
  const { inputs, context, counts, report, progress, signal } = deps;
  const settings = readSettings(
    ['DATABASE_URL', 'QUEUE_REDIS_URL', 'QUEUE_PREFIX', 'GRID_SIZE', 'MAX_BACKLOG'],
    context,
  );
  const { field, device, batch, wait } = options;
  const { printLine } = progress;
  const queue = { url: settings.QUEUE_REDIS_URL, prefix: settings.QUEUE_PREFIX };
  return withDatabase(settings.DATABASE_URL, async (db) => {
    const reader = createFieldReader(db);
    await reader.ping();
    await agreeOnGridSize(db, settings.GRID_SIZE);
    return withProducer(queue, async (producer) => {
      const backends = createResilientBackends({ db, reader, producer, printLine, signal });
      const parse = createLineParser({ gridSize: settings.GRID_SIZE, device });
      const maxBacklog = Math.min(maxWaitingJobs, settings.MAX_BACKLOG);
      const sending = { inputs, field, batch, wait, maxBacklog, parse, backends, counts, report, printLine, signal };
      const complete = await enqueueInputs(sending);
      return { complete, version: await backends.readVersion(field) };
    });
  });
}

/** What the workers would refuse must not be sent. @throws CliError `usage` */
async function agreeOnGridSize(db: Knex, gridSize: number): Promise<void> {
  try {
    await agreeOnRuleSettings(db, { GRID_SIZE: gridSize });
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError('usage', `${error.problems.join('\n')}.`, { cause: error });
    throw error;
  }
}

/** `enqueue`: sends updates from files straight to the queue, as a batch job that can be stopped and repeated. */
import type { Knex } from 'knex';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { agreeOnRuleSettings } from '../../../db/write/agree-on-rule-settings.ts';
import { ConfigError } from '../../../shared/config/config.ts';
import { lowPriority, type UpdateProducer } from '../../../shared/queue/update-producer.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { withProducer } from '../../backends/with-redis.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { type ApiRunOptions, enqueueToApi } from '../../enqueue/api/enqueue-to-api.ts';
import { countRejected, createEnqueueCounts, type EnqueueCounts } from '../../enqueue/counts.ts';
import { enqueueInputs } from '../../enqueue/enqueue-inputs.ts';
import { dryRun } from '../../enqueue/input/dry-run.ts';
import { LineReport } from '../../enqueue/input/line-report.ts';
import { type LineInput, openInputs } from '../../enqueue/input/open-inputs.ts';
import { createLineParser } from '../../enqueue/input/parse-line.ts';
import { readRecordMap } from '../../enqueue/input/read-record-map.ts';
import { guessFormat, type InputFormat, type ReadRecords, recordReaders } from '../../enqueue/input/read-records.ts';
import { Pace } from '../../enqueue/pace.ts';
import { showProgress } from '../../enqueue/progress.ts';
import { createResilientBackends } from '../../enqueue/resilient-backends.ts';
import { RecordedRun } from '../../enqueue/runs/recorded-run.ts';
import { renderSummary } from '../../enqueue/summary.ts';
import { type HeldParticles, WrittenParticles } from '../../enqueue/written-particles.ts';
import { CliError } from '../../errors/cli-error.ts';
import { ruleSettingsDiffer } from '../../errors/field-errors.ts';
import { readSettings } from '../../input/read-settings.ts';
import { type Progress, startProgress } from '../../output/progress.ts';

/** What may wait in the queue. The API rejects updates at MAX_BACKLOG, of which a run uses at most half. */
const maxWaiting = {
  normal: { jobs: 5000, updates: Number.POSITIVE_INFINITY, jobsAtOnce: 2500 },
  /** Kept low, because devices wait while Redis adds these jobs, a worker commits them, and they occupy its slots. */
  low: { jobs: 40, updates: 2000, jobsAtOnce: 4 },
} as const;
const maxNameLength = 200;

export interface EnqueueOptions extends Omit<ApiRunOptions, 'api'> {
  /** The API to send over. Without it, updates go straight to the queue. */
  readonly api?: string;
  readonly format?: InputFormat;
  /** JSON, or the name of a file that contains it. */
  readonly map?: string;
  /** The name in the run's record. */
  readonly name?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface EnqueueDeps {
  readonly inputs: readonly LineInput[];
  readonly readRecords: ReadRecords;
  readonly map: ReturnType<typeof readRecordMap>;
  readonly context: CommandContext;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface EnqueueOutcome {
  readonly complete: boolean;
  readonly version?: number;
  readonly particles?: HeldParticles | undefined;
  /** The id of the run's record. */
  readonly run?: string;
}

/** Sets the exit code `stopped` when a signal ends it early, and `negative` when an update was rejected. */
export async function enqueue(
  files: readonly string[],
  options: EnqueueOptions,
  context: CommandContext,
): Promise<void> {
  if (options.api === undefined && options.tokenFile !== undefined) {
    throw new CliError('usage', '--token-file is for --api: add the address of an API, or leave it out.');
  }
  if (options.api !== undefined && options.name !== undefined) {
    throw new CliError(
      'usage',
      '--name is for the record of a run, which a run over the API does not have: leave it out.',
    );
  }
  const inputs = openInputs(files, context);
  const formatOf = ({ name }: LineInput) => options.format ?? guessFormat(name);
  const map = readRecordMap(options.map, inputs.map(formatOf), context.cwd);
  const readRecords: ReadRecords = (input, stop) => recordReaders[formatOf(input)](input, stop);
  const progress = startProgress(context.stderr);
  const counts = createEnqueueCounts();
  const report = new LineReport(progress.printLine);
  const stopShowing = showProgress(inputs, counts, progress);
  const signal = context.catchShutdownSignals();
  const printStopping = () =>
    progress.printLine('Stopping once the updates in flight are applied. Press Ctrl-C again to stop at once.');
  signal.addEventListener('abort', printStopping, { once: true });
  const startedAt = performance.now();
  let outcome: EnqueueOutcome = { complete: false };
  try {
    const work = options.dryRun ? checkInput : options.api === undefined ? sendInput : sendOverApi;
    outcome = await work(options, { inputs, readRecords, map, context, counts, report, progress, signal });
  } finally {
    stopShowing();
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
  { inputs, readRecords, map, context, counts, report, signal }: EnqueueDeps,
): Promise<EnqueueOutcome> {
  const { GRID_SIZE: gridSize } = readSettings(['GRID_SIZE'], context);
  const parse = createLineParser({ gridSize, device, map });
  const complete = await dryRun({ inputs, readRecords, parse, counts, report, signal });
  return { complete };
}

async function sendOverApi(
  { api = '', ...options }: EnqueueOptions,
  { progress: { printLine }, ...deps }: EnqueueDeps,
): Promise<EnqueueOutcome> {
  return enqueueToApi({ ...options, api }, { ...deps, printLine });
}

async function sendInput(options: EnqueueOptions, deps: EnqueueDeps): Promise<EnqueueOutcome> {
  const { inputs, context, counts, progress } = deps;
  const settings = readSettings(
    ['DATABASE_URL', 'QUEUE_REDIS_URL', 'QUEUE_PREFIX', 'GRID_SIZE', 'MAX_BACKLOG'],
    context,
  );
  const queue = { url: settings.QUEUE_REDIS_URL, prefix: settings.QUEUE_PREFIX };
  const {
    field,
    name = inputs
      .map((input) => input.name)
      .join(', ')
      .slice(0, maxNameLength),
  } = options;
  // This process may share its cores with workers and servers.
  if (options.priority === 'low') context.lowerPriority();
  return withDatabase(settings.DATABASE_URL, async (db) => {
    await createFieldReader(db).ping();
    await agreeOnGridSize(db, settings.GRID_SIZE);
    return withProducer(queue, async (producer) => {
      const run = new RecordedRun({ db, field, name, counts, printLine: progress.printLine });
      await run.start();
      let isComplete = false;
      try {
        const outcome = await sendRun(options, deps, { db, producer, run, settings });
        isComplete = outcome.complete;
        return { ...outcome, run: run.id };
      } finally {
        await run.end(isComplete);
      }
    });
  });
}

interface RunDeps {
  readonly db: Knex;
  readonly producer: UpdateProducer;
  readonly run: RecordedRun;
  readonly settings: { readonly GRID_SIZE: number; readonly MAX_BACKLOG: number };
}

async function sendRun(
  {
    field,
    device,
    wait,
    priority,
    rate = Number.POSITIVE_INFINITY,
    keepOrder: keepsOrder = false,
    ...options
  }: EnqueueOptions,
  { inputs, readRecords, map, counts, report, progress: { printLine }, signal }: EnqueueDeps,
  { db, producer, run, settings }: RunDeps,
): Promise<EnqueueOutcome> {
  const stop = AbortSignal.any([signal, run.cancelled]);
  const backends = createResilientBackends({
    ...{ db, reader: createFieldReader(db), producer, printLine, signal: stop },
    priority: priority === 'low' ? lowPriority : undefined,
  });
  const written = new WrittenParticles();
  // Limits a job to one second's worth of updates.
  const batch = Math.min(options.batch, rate);
  const { jobs, updates: maxWaitingUpdates, jobsAtOnce } = maxWaiting[priority];
  const maxBacklog = Math.min(jobs, Math.ceil(settings.MAX_BACKLOG / 2));
  const maxJobsAtOnce = Math.min(jobsAtOnce, Math.max(1, Math.floor(rate / batch)));
  const complete = await enqueueInputs({
    ...{ inputs, readRecords, field, batch, keepsOrder, wait, maxBacklog, maxWaitingUpdates, maxJobsAtOnce, run },
    ...{ backends, counts, written, report, printLine, signal: stop, pace: new Pace(rate) },
    parse: createLineParser({ gridSize: settings.GRID_SIZE, device, map }),
  });
  const version = await backends.readVersion(field);
  if (!complete || !wait) return { complete, version };
  return { complete, version, particles: written.compare(await backends.readParticles(field)) };
}

/** Updates that the workers would refuse must not be sent. @throws CliError `usage` */
async function agreeOnGridSize(db: Knex, gridSize: number): Promise<void> {
  try {
    await agreeOnRuleSettings(db, { GRID_SIZE: gridSize });
  } catch (error) {
    if (error instanceof ConfigError) throw ruleSettingsDiffer(error);
    throw error;
  }
}

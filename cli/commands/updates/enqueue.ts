/** `field enqueue`: updates from files straight into the queue, as a batch job that can be stopped and run again. */
import type { Command } from 'commander';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { maxUpdatesPerRequest } from '../../../shared/contract/wire.ts';
import { type DeviceId, type FieldId, globalField } from '../../../shared/field/ids.ts';
import { onShutdownSignals } from '../../../shared/process/shutdown-signals.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { withProducer } from '../../backends/with-redis.ts';
import {
  countRejected,
  countSettled,
  createEnqueueCounts,
  describeProgress,
  type EnqueueCounts,
} from '../../enqueue/counts.ts';
import { enqueueFiles } from '../../enqueue/enqueue-files.ts';
import { checkFiles } from '../../enqueue/input/check-files.ts';
import { dryRun } from '../../enqueue/input/dry-run.ts';
import { LineReport } from '../../enqueue/input/line-report.ts';
import { createLineParser } from '../../enqueue/input/parse-line.ts';
import { createResilientBackends } from '../../enqueue/resilient-backends.ts';
import { printSummary } from '../../enqueue/summary.ts';
import { exitCodes } from '../../errors/cli-error.ts';
import { integerBetween, parseDevice, parseField } from '../../input/parse-arguments.ts';
import { readSettings } from '../../input/read-settings.ts';
import { type Progress, startProgress } from '../../output/progress.ts';

const refreshMs = 100;
/** Jobs that may wait in the queue; the API turns updates away at MAX_BACKLOG. */
const maxWaitingJobs = 5000;

const help = `
A line is an update of the contract and its device:
  {"device":"phone-1","counter":1,"timestamp":1700000000000,"kind":"particle.put","id":"star","resonance":0.8}

Files may be gzipped. The order of the lines is kept. Bad lines are told by number, and the others are sent.
It may be stopped with Ctrl-C and run again: what is applied already is left out, since a device and its
counter name an update for ever.

Examples:
  $ npx consciousness-field enqueue updates.ndjson.gz
  $ tail -f sensors.ndjson | npx consciousness-field enqueue - --field garden --device sensor-1`;

interface Options {
  field: FieldId;
  device?: DeviceId;
  batch: number;
  wait: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export function addEnqueueCommand(program: Command): void {
  program
    .command('enqueue')
    .description('Puts updates (NDJSON, a line each) into the queue, and waits until they are applied.')
    .argument('<file...>', 'the files; - for standard input')
    .option('--field <id>', 'the field that they are for', parseField, globalField)
    .option('--device <id>', 'the device of the lines that name none', parseDevice)
    .option('--batch <number>', 'updates in a job, at most', integerBetween(1, maxUpdatesPerRequest), 100)
    .option('--no-wait', 'ends once all are accepted')
    .option('--dry-run', 'only checks the lines')
    .option('--json', 'prints the summary as JSON')
    .addHelpText('after', help)
    .action(run);
}

interface EnqueueDeps {
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface EnqueueOutcome {
  readonly complete: boolean;
  readonly version?: number;
}

async function run(files: string[], options: Options): Promise<void> {
  checkFiles(files);
  const progress = startProgress(process.stderr);
  const stopping = new AbortController();
  const counts = createEnqueueCounts();
  const report = new LineReport(progress.printLine);
  const show = () => progress.show({ done: countSettled(counts), total: counts.lines, text: describeProgress(counts) });
  const ticker = setInterval(show, refreshMs);
  onShutdownSignals(
    () => {
      progress.printLine('Stopping once what is in hand is through. Press Ctrl-C again to stop at once.');
      stopping.abort();
    },
    () => process.exit(exitCodes.stopped),
  );
  const startedAt = performance.now();
  let outcome: EnqueueOutcome = { complete: false };
  try {
    const work = options.dryRun ? checkInput : enqueue;
    outcome = await work(files, options, { counts, report, progress, signal: stopping.signal });
  } finally {
    clearInterval(ticker);
    report.finish();
    progress.stop();
    const seconds = (performance.now() - startedAt) / 1000;
    if (counts.lines > 0 || outcome.complete) printSummary({ counts, report, seconds, ...outcome }, options);
    if (counts.lines > 0 && !outcome.complete) {
      console.error('Not all is done. Run the same command again to go on: what is applied already is left out.');
    }
  }
  if (!outcome.complete) process.exitCode = exitCodes.stopped;
  else if (countRejected(counts) > 0) process.exitCode = exitCodes.no;
}

async function checkInput(
  files: string[],
  { device }: Options,
  { counts, report, signal }: EnqueueDeps,
): Promise<EnqueueOutcome> {
  const { GRID_SIZE: gridSize } = readSettings(['GRID_SIZE'], process.env);
  const complete = await dryRun({ files, parse: createLineParser({ gridSize, device }), counts, report, signal });
  return { complete };
}

async function enqueue(
  files: string[],
  options: Options,
  { counts, report, progress, signal }: EnqueueDeps,
): Promise<EnqueueOutcome> {
  const settings = readSettings(
    ['DATABASE_URL', 'QUEUE_REDIS_URL', 'QUEUE_PREFIX', 'GRID_SIZE', 'MAX_BACKLOG'],
    process.env,
  );
  const { field, device, batch, wait } = options;
  const { printLine } = progress;
  const queue = { url: settings.QUEUE_REDIS_URL, prefix: settings.QUEUE_PREFIX };
  return withDatabase(settings.DATABASE_URL, async (db) => {
    const reader = createFieldReader(db);
    await reader.ping();
    return withProducer(queue, async (producer) => {
      const backends = createResilientBackends({ db, reader, producer, printLine, signal });
      const parse = createLineParser({ gridSize: settings.GRID_SIZE, device });
      const maxBacklog = Math.min(maxWaitingJobs, settings.MAX_BACKLOG);
      const deps = { files, field, batch, wait, maxBacklog, parse, backends, counts, report, printLine, signal };
      const complete = await enqueueFiles(deps);
      return { complete, version: await backends.readVersion(field) };
    });
  });
}

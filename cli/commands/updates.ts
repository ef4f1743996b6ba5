/** Declares the commands that send updates. */
import { type Command, Option } from 'commander';
import { maxUpdatesPerRequest } from '../../shared/contract/wire.ts';
import { type FieldId, globalField } from '../../shared/field/ids.ts';
import type { CommandContext } from '../context/command-context.ts';
import {
  integerBetween,
  parseDevice,
  parseField,
  parseRunName,
  parseUrl,
  parseUuid,
} from '../input/parse-arguments.ts';
import type { EnqueueOptions } from './updates/enqueue.ts';
import type { LoadOptions } from './updates/load.ts';
import type { ChangeRunOptions, ListRunsOptions } from './updates/runs.ts';

const enqueueHelp = `
A line is an update as the API accepts it, with its device:
  {"device":"phone-1","counter":1,"timestamp":1700000000000,"kind":"particle.put","id":"star","resonance":0.8}

Files may be gzipped, and may be logs that were exported (\`export\`). Invalid lines are reported by number, and the others are sent.
After Ctrl-C, run the same command again to continue: applied updates are skipped, because a device and a counter identify an
update permanently.

Within 4,000 lines, updates are grouped by device and sorted by counter, which is faster, unless the clock of one names another;
--keep-order keeps the order of all. The order of an exported log is always kept.

Other formats need --map: a template of an update in JSON, or a file with it, whose values come from each record. "$name" is a column, or a
path such as "$properties.mag"; {"from":"$mag","min":0,"max":10} scales a number to 0 ... 1. Dates become timestamps. If the map
has no counter, it is the number of the line or element, so give each file a device of its own. A JSON array of updates needs no map.

Jobs have a low priority: workers take them only when no updates of devices are waiting, and commit them in small parts while devices
send. At most 2,000 updates are in the queue at a time. With --priority normal, jobs have the same priority as those of devices, and up to
5,000 are in the queue, which is faster.

With --api, only the address of an API and a token are needed. The token comes from FIELD_TOKEN or from --token-file, since arguments
are visible to others. A token allows one device to write: a file with updates of several devices needs a token for each.

A field keeps at most 1,000 particles and 4 MiB of them. Above that, those with the newest writes remain; the log has all.

Examples:
  $ npx consciousness-field enqueue updates.ndjson.gz
  $ tail -f sensors.ndjson | npx consciousness-field enqueue - --field garden --device sensor-1
  $ FIELD_TOKEN=$(cat token) npx consciousness-field enqueue updates.ndjson --api https://field.example
  $ npx consciousness-field enqueue quakes.geojson --device usgs \\
      --map '{"id":"$id","timestamp":"$properties.time","position":{"x":"$geometry.coordinates.0","y":"$geometry.coordinates.1"}}'`;

const loadHelp = `
Each device sends its batches in sequence, and retries each until it is accepted. At the end the command waits for all
accepted updates and checks that each is in the log exactly once. Latencies count from the time a batch was due.

Exit code 1 means that an accepted update was lost or duplicated, or that none was accepted.

Examples:
  $ npx consciousness-field load --seconds 20
  $ npx consciousness-field load --rate 500 --devices 100 --watchers 50 --fields 4`;

const runsHelp = `
A run reports every second. A paused run sends nothing until it is resumed; jobs that are already in the queue are applied. A cancelled
run ends; running the same \`enqueue\` command again continues it.

Examples:
  $ npx consciousness-field runs
  $ npx consciousness-field runs pause 7b1c2a4e-5f0d-4c1b-9a3e-2d6f8e0c1b2a`;

export function addUpdateCommands(program: Command, context: CommandContext): void {
  program
    .command('enqueue')
    .description('Puts updates (NDJSON, CSV, JSON or GeoJSON) into the queue, and waits until they are applied.')
    .argument('<file...>', 'the files; - for standard input')
    .option('--api <url>', 'send through this API, with a token, instead of directly to the queue', parseUrl)
    .option('--token-file <file>', 'for --api: a file with one token per line (default: those in FIELD_TOKEN)')
    .option('--field <id>', 'the field of the updates', parseField, globalField)
    .option('--device <id>', 'the device of lines without one', parseDevice)
    .option('--batch <number>', 'maximum updates per job', integerBetween(1, maxUpdatesPerRequest), 100)
    .addOption(
      new Option('--format <format>', 'the format of the files (default: by their extension, or else ndjson)').choices([
        'ndjson',
        'csv',
        'json',
        'geojson',
      ]),
    )
    .option('--map <json>', 'a template that makes updates from records: JSON, or the name of a file with it')
    .addOption(
      new Option('--priority <priority>', 'low: after all updates of devices; normal: the same as theirs')
        .choices(['low', 'normal'])
        .default('low'),
    )
    .option('--rate <number>', 'updates per second at most', integerBetween(1, 1e6))
    .option('--name <text>', 'the name of the run for `runs` (default: the files)', parseRunName)
    .option('--keep-order', 'keep the order of updates of different devices')
    .option('--no-wait', 'exit once all are accepted')
    .option('--dry-run', 'only validate the lines')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', enqueueHelp)
    .action(async (files: string[], options: EnqueueOptions) =>
      (await import('./updates/enqueue.ts')).enqueue(files, options, context),
    );
  program
    .command('load')
    .description('Generates load on a running system through its API, and checks that nothing was lost or duplicated.')
    .option('--url <url>', 'the API (default: that of a running `npm start`)', parseUrl)
    .option('--field <id>', 'the field; with --fields, the prefix of their ids', parseField, 'load' as FieldId)
    .option('--fields <number>', 'number of fields', integerBetween(1, 100), 1)
    .option('--devices <number>', 'number of sending devices', integerBetween(1, 2000), 50)
    .option('--watchers <number>', 'number of WebSocket subscribers', integerBetween(0, 2000), 2)
    .option('--batch <number>', 'updates per request', integerBetween(1, maxUpdatesPerRequest), 1)
    .option(
      '--rate <number>',
      'total updates per second (default: as fast as they are accepted)',
      integerBetween(1, 1e6),
    )
    .option('--seconds <number>', 'duration', integerBetween(1, 3600), 10)
    .option('--twice <percent>', 'percentage of accepted batches that are sent again', integerBetween(0, 100), 5)
    .option('--yes-not-loopback', 'allow an address that is not on this machine')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', loadHelp)
    .action(async (options: LoadOptions) => (await import('./updates/load.ts')).generateLoad(options, context));
  const runs = program
    .command('runs')
    .description('Lists the runs of `enqueue`, and pauses, resumes or cancels one.')
    .helpCommand(false)
    .addHelpText('after', runsHelp);
  runs
    .command('list', { isDefault: true })
    .description('list the newest runs')
    .option('--limit <number>', 'number of runs', integerBetween(1, 10_000), 20)
    .option('--json', 'print them as JSON')
    .action(async (options: ListRunsOptions) => (await import('./updates/runs.ts')).printRuns(options, context));
  for (const change of ['pause', 'resume', 'cancel'] as const) {
    runs
      .command(change)
      .description(`${change} a run`)
      .argument('<id>', 'its id from the list', parseUuid)
      .option('--json', 'print the result as JSON')
      .action(async (id: string, options: ChangeRunOptions) =>
        (await import('./updates/runs.ts')).changeOneRun({ id, change }, options, context),
      );
  }
}

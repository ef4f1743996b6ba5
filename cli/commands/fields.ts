/** Declares the commands that read fields from PostgreSQL, and the one that copies an exported log into it. */
import { type Command, Option } from 'commander';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import type { FoldOutcome } from '../../shared/field/fold.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { updateKinds } from '../../shared/field/update.ts';
import type { CommandContext } from '../context/command-context.ts';
import {
  collectFields,
  integerBetween,
  parseDevice,
  parseDuration,
  parseField,
  parseVersion,
} from '../input/parse-arguments.ts';
import type { ChangesOptions } from './fields/changes.ts';
import type { ConflictsOptions } from './fields/conflicts.ts';
import type { ExportOptions } from './fields/export.ts';
import type { HistoryOptions } from './fields/history.ts';
import type { ImportOptions } from './fields/import.ts';
import type { ImportLegacyOptions } from './fields/import-legacy.ts';
import type { ReplayOptions } from './fields/replay.ts';
import type { SearchOptions } from './fields/search.ts';
import type { StateOptions } from './fields/state.ts';
import type { VerifyOptions } from './fields/verify.ts';

const outcomes = ['applied', 'superseded', 'conflict'] satisfies FoldOutcome[];
const fieldArgument = ['<field>', 'the id of the field, for example global', parseField] as const;

const historyHelp = `
The log goes back as far as LOG_RETENTION_DAYS. Both values of a conflict are stored for the newest ${maxKeptConflicts} conflicts of a field.

Examples:
  $ npx consciousness-field history global star
  $ npx consciousness-field history global 3,14 --limit 5`;

const searchHelp = `
Without --field or --device, the logs of all fields are read completely, which takes long for long logs.

Examples:
  $ npx consciousness-field search --device phone-1 --since 1h
  $ npx consciousness-field search --field garden --user ada --outcome conflict --json`;

const replayHelp = `
Examples:
  $ npx consciousness-field replay global --to 1000
  $ npx consciousness-field replay global --check`;

const verifyHelp = `
Exit code 1 means that there are differences.

Example:
  $ npx consciousness-field verify global`;

const exportHelp = `
The output is NDJSON. A log can be imported into an empty field, here or in another installation (\`import\`), and its updates
can be sent to any field (\`enqueue\`). Its last line is {"end":…}; without it, the file is incomplete. A file is readable by its
owner only, and compressed if its name ends with .gz.

An export has personal data: the ids of users and devices, and all that they have written, except what was erased. Each export is
recorded (\`audit\`). What is erased later stays in the file: then delete the file.

Examples:
  $ npx consciousness-field export global --out global.ndjson.gz
  $ npx consciousness-field export global --state | jq .particle`;

const changesHelp = `
The output is NDJSON: the entries of all logs, those of a field in the order of their versions. Each line has "next": with
--after, a later run resumes after that line, without gaps or repetitions. A line with "pruned" says what retention has deleted.

The output has personal data, as an export has. Each run is recorded (\`audit\`).

Examples:
  $ npx consciousness-field changes --follow
  $ npx consciousness-field changes --fields 'team-*' --kind particle.put --after c1-42-0f3a5b7c9d1e-7`;

const importHelp = `
Entries are copied unchanged: the field gets the same state and the same chain of hashes. The field must have no updates. All of
the file is imported, or nothing: if a line is invalid, does not match its hash, or was folded by rules that this version does not know,
the command names the line and changes nothing. Set ERASURE_KEY if anything was erased in this installation.

Example:
  $ npx consciousness-field import global.ndjson.gz copy-of-global`;

const importLegacyHelp = `
Reads the tables of the original system (consciousness_states, vector_clocks, field_conflicts) and changes nothing in its database.
The field must have no updates; running the command again changes nothing. Invalid rows are left out, and reported with the reason.
A password in the URL is visible to other users of this machine: set PGPASSWORD instead.

Examples:
  $ PGPASSWORD=… npx consciousness-field import-legacy postgresql://app@old-db/consciousness --dry-run
  $ PGPASSWORD=… npx consciousness-field import-legacy postgresql://app@old-db/consciousness --field global`;

export function addFieldCommands(program: Command, context: CommandContext): void {
  program
    .command('state')
    .description('Prints the state of a field from PostgreSQL, as the API would return it.')
    .argument(...fieldArgument)
    .option('--at <version>', 'the state at this version (default: the current one)', parseVersion)
    .option('--summary', 'omit particles and cells')
    .option('--json', 'print one line, byte for byte what the API returns')
    .addHelpText('after', '\nExample:\n  $ npx consciousness-field state global --summary')
    .action(async (field: FieldId, options: StateOptions) =>
      (await import('./fields/state.ts')).printState(field, options, context),
    );
  program
    .command('conflicts')
    .description(
      'Lists the newest conflicts of a field: the stored (local) and the incoming (remote) write, and the outcome.',
    )
    .argument(...fieldArgument)
    .option(
      '--limit <number>',
      `number of conflicts; ${maxKeptConflicts} are stored`,
      integerBetween(1, maxKeptConflicts),
      20,
    )
    .option('--json', 'print them as JSON, as the API would return them')
    .addHelpText('after', '\nExample:\n  $ npx consciousness-field conflicts global --limit 5')
    .action(async (field: FieldId, options: ConflictsOptions) =>
      (await import('./fields/conflicts.ts')).printConflicts(field, options, context),
    );
  program
    .command('history')
    .description(
      'Lists the changes of a particle or a cell, newest first: who wrote what, and which write was overridden.',
    )
    .argument(...fieldArgument)
    .argument('<particle>', 'the id of a particle, or x,y for a cell')
    .option('--limit <number>', 'number of changes', integerBetween(1, 10_000), 20)
    .option('--json', 'print them as JSON, with complete values')
    .addHelpText('after', historyHelp)
    .action(async (field: FieldId, target: string, options: HistoryOptions) =>
      (await import('./fields/history.ts')).printHistory({ field, target }, options, context),
    );
  program
    .command('search')
    .description('Finds entries of the logs by device, user, kind, outcome and time, newest first.')
    .option('--field <field>', 'only of this field', parseField)
    .option('--device <device>', 'only of this device', parseDevice)
    .option('--counter <number>', 'only the update with this counter', integerBetween(1, Number.MAX_SAFE_INTEGER))
    .option('--user <user>', 'only of this user')
    .addOption(new Option('--kind <kind>', 'only updates of this kind').choices(updateKinds))
    .addOption(new Option('--outcome <outcome>', 'only those with this outcome').choices(outcomes))
    .option('--since <duration>', 'only those of the last 90s, 45m, 12h, 30d or 2w', parseDuration)
    .option('--until <duration>', 'only those that are older than that', parseDuration)
    .option('--limit <number>', 'maximum number of results', integerBetween(1, 100_000), 100)
    .option('--json', 'print them as JSON, with complete updates')
    .addHelpText('after', searchHelp)
    .action(async (options: SearchOptions) => (await import('./fields/search.ts')).printSearch(options, context));
  program
    .command('replay')
    .description('Folds the log of a field from its oldest snapshot, and prints the resulting state.')
    .argument(...fieldArgument)
    .option('--to <version>', 'stop after this version', parseVersion)
    .option('--check', 'instead of printing, compare every outcome and snapshot; exit code 1 if any differs')
    .option('--json', 'print one line: the state byte for byte as the API returns it, or the comparison')
    .addHelpText('after', replayHelp)
    .action(async (field: FieldId, options: ReplayOptions) =>
      (await import('./fields/replay.ts')).replay(field, options, context),
    );
  program
    .command('verify')
    .description(
      'Replays the logs from the oldest snapshot, and compares everything stored and cached with the result.',
    )
    .argument('[field...]', 'the fields (default: all)', collectFields)
    .option('--json', 'print the results as JSON')
    .addHelpText('after', verifyHelp)
    .action(async (fields: FieldId[] | undefined, options: VerifyOptions) =>
      (await import('./fields/verify.ts')).verifyFields(fields ?? [], options, context),
    );
  program
    .command('export')
    .description('Writes the log of a field, or its state, as NDJSON to standard output or to a file.')
    .argument(...fieldArgument)
    .option('--state', 'the current state instead of the log: a line for each particle and cell')
    .option('--out <file>', 'the file to write (default: standard output)')
    .option('--force', 'replace the file if it exists')
    .option('--json', 'with --out, print the summary as JSON')
    .addHelpText('after', exportHelp)
    .action(async (field: FieldId, options: ExportOptions) =>
      (await import('./fields/export.ts')).exportField(field, options, context),
    );
  program
    .command('changes')
    .description('Writes the changes of all fields as NDJSON. A later run can resume after any line.')
    .option('--after <cursor>', 'only what comes after the line with this "next"')
    .option('--fields <patterns>', 'only these fields, comma-separated: ids, patterns such as team-*, or *', '*')
    .addOption(new Option('--kind <kinds...>', 'only updates of these kinds').choices(updateKinds))
    .option('--follow', 'continue with new changes until Ctrl-C')
    .option('--json', 'has no effect: the output is JSON in any case')
    .addHelpText('after', changesHelp)
    .action(async (options: ChangesOptions) => (await import('./fields/changes.ts')).writeChanges(options, context));
  program
    .command('import')
    .description('Copies an exported log into a field that has no updates: the same state, the same hashes.')
    .argument('<file>', 'the log, plain or gzipped; - for standard input')
    .argument(...fieldArgument)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', importHelp)
    .action(async (file: string, field: FieldId, options: ImportOptions) =>
      (await import('./fields/import.ts')).importField({ file, field }, options, context),
    );
  program
    .command('import-legacy')
    .description('Imports the database of the original system as the base of a field that has no updates.')
    .argument('<database-url>', 'the database of the original system')
    .option('--field <field>', 'the field to import into', parseField, 'global' as FieldId)
    .option('--dry-run', 'only report what would be imported, and what would be left out')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', importLegacyHelp)
    .action(async (url: string, options: ImportLegacyOptions) =>
      (await import('./fields/import-legacy.ts')).importLegacy(url, options, context),
    );
}

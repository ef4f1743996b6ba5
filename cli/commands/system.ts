/** Declares the commands for operating the system. Backups and tokens have files of their own. */
import type { Command } from 'commander';
import type { CommandContext } from '../context/command-context.ts';
import { integerBetween, parseDevice, parseDuration, parseField, parseUrl } from '../input/parse-arguments.ts';
import type { JsonOption, ListOptions, SelectOptions } from './system/dead-letters.ts';
import type { DoctorOptions } from './system/doctor.ts';
import type { MigrateOptions } from './system/migrate.ts';
import type { RulesOptions, SetRuleOptions } from './system/rules.ts';
import type { StatusOptions } from './system/status.ts';

const doctorHelp = `
Checks the configuration, PostgreSQL, both Redis roles, both queues, the workers, the API, the clocks and the disk.
An unreachable server is reported like any other problem.

Exit codes: 0 healthy (there may be warnings), 1 problems, 2 nothing to check, because no address is set.

Examples:
  $ npx consciousness-field doctor
  $ npx consciousness-field doctor --url https://field.example.org --json`;

const statusHelp = `
Exit code 3 means that PostgreSQL or the queue's Redis cannot be reached; the rest is printed nevertheless.

Examples:
  $ npx consciousness-field status
  $ npx consciousness-field status --once --json`;

const rulesHelp = `
These settings (GRID_SIZE, LOG_RETENTION_DAYS) decide which updates are accepted and how much of the log is kept, so all processes of an
installation must have the same values. The first worker records them, and processes with other values do not start.

Examples:
  $ npx consciousness-field rules
  $ npx consciousness-field rules set GRID_SIZE 50`;

const deadLettersHelp = `
Examples:
  $ npx consciousness-field dead-letters list
  $ npx consciousness-field dead-letters list --device phone-1 --since 2d
  $ npx consciousness-field dead-letters retry 17
  $ npx consciousness-field dead-letters retry --field garden --reason token_revoked`;

export function addSystemCommands(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('Checks everything that the system depends on, and says how to fix what it finds.')
    .option('--url <url>', 'the API (default: that of a running `npm start`)', parseUrl)
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', doctorHelp)
    .action(async (options: DoctorOptions) => (await import('./system/doctor.ts')).runDoctor(options, context));
  program
    .command('status')
    .description('Shows queues, workers and fields: backlog, age of the oldest job, throughput.')
    .option('--once', 'print once and exit, which is the default when the output is not a terminal')
    .option('--interval <seconds>', 'time between two readings', integerBetween(1, 60), 1)
    .option('--url <url>', 'the API, for its open streams (default: that of a running `npm start`)', parseUrl)
    .option('--json', 'print once, as JSON')
    .addHelpText('after', statusHelp)
    .action(async (options: StatusOptions) => (await import('./system/status.ts')).showStatus(options, context));
  program
    .command('migrate')
    .description('Migrates the database to the newest schema. Waits up to a minute for PostgreSQL to respond.')
    .option('--status', 'only list applied and pending migrations')
    .option('--roles', 'also create the roles field_api and field_worker, and grant them what they need')
    .option('--down', 'roll back the last batch of migrations, which deletes the data in their tables')
    .option('--yes', 'with --down: even if fields are lost')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://… npx consciousness-field migrate')
    .action(async (options: MigrateOptions) => (await import('./system/migrate.ts')).runMigrate(options, context));
  addRuleCommands(program, context);
  addDeadLetterCommands(program, context);
}

function addRuleCommands(program: Command, context: CommandContext): void {
  const rules = program
    .command('rules')
    .enablePositionalOptions()
    .description('Shows or changes the settings that all processes of an installation share.')
    .option('--json', 'print them as JSON')
    .helpCommand(false)
    .addHelpText('after', rulesHelp)
    .action(async (options: RulesOptions) => (await import('./system/rules.ts')).showRules(options, context));
  rules
    .command('set')
    .description('change a setting; a smaller grid needs that no cell is outside it, no process runs and no job waits')
    .argument('<setting>', 'its name')
    .argument('<value>', 'its new value')
    .option('--yes', 'allow a shorter retention, or a smaller grid although processes seem to be connected')
    .option('--json', 'print the values before and after as JSON')
    .action(async (setting: string, value: string, options: SetRuleOptions) =>
      (await import('./system/rules.ts')).setRule([setting, value], options, context),
    );
}

function addDeadLetterCommands(program: Command, context: CommandContext): void {
  const deadLetters = program
    .command('dead-letters')
    .alias('dead')
    .description('Manages dead letters: jobs that can never be applied, stored with the reason.')
    .helpCommand(false)
    .addHelpText('after', deadLettersHelp);
  const filtered = (name: string) =>
    deadLetters
      .command(name)
      .option('--field <field>', 'only jobs for this field', parseField)
      .option('--device <device>', 'only jobs of this device', parseDevice)
      .option('--user <user>', 'only jobs of this user')
      .option('--request <id>', 'only jobs of the request whose response had this x-request-id')
      .option('--reason <text>', 'only jobs whose reason contains this')
      .option('--since <duration>', 'only jobs that failed in the last 90s, 45m, 12h, 30d or 2w', parseDuration)
      .option('--until <duration>', 'only jobs that failed longer ago than this', parseDuration);
  filtered('list')
    .description('list the jobs, newest first')
    .option('--json', 'print them as JSON')
    .action(async (options: ListOptions) =>
      (await import('./system/dead-letters.ts')).listDeadLetters(options, context),
    );
  deadLetters
    .command('show')
    .description('show one job with its updates')
    .argument('<id>', 'its id from the list')
    .option('--json', 'print one line')
    .action(async (id: string, options: JsonOption) =>
      (await import('./system/dead-letters.ts')).showDeadLetter(id, options, context),
    );
  filtered('retry')
    .description('return jobs to the queue, once the cause of their failure is fixed')
    .argument('[id...]', 'their ids from the list')
    .option('--all', 'all jobs')
    .option('--json', 'print their number as JSON')
    .action(async (ids: string[], options: SelectOptions) =>
      (await import('./system/dead-letters.ts')).retryDeadLetters(ids, options, context),
    );
  filtered('discard')
    .description('delete jobs for good: their updates will not be applied')
    .argument('[id...]', 'their ids from the list')
    .option('--all', 'all jobs')
    .option('--json', 'print their number as JSON')
    .action(async (ids: string[], options: SelectOptions) =>
      (await import('./system/dead-letters.ts')).discardDeadLetters(ids, options, context),
    );
}

/** `field status`: queues, workers and fields at a glance; on a terminal it goes on until Ctrl-C. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { onShutdownSignals } from '../../../shared/process/shutdown-signals.ts';
import { exitCodes } from '../../errors/cli-error.ts';
import { integerBetween, parseUrl } from '../../input/parse-arguments.ts';
import { collectSettings, readSettings } from '../../input/read-settings.ts';
import { isUnreachable, type ReadStatusOptions, readStatus, type Status } from '../../status/read-status.ts';
import { computeUpdatesPerSecond, renderStatus } from '../../status/render-status.ts';

const clearScreen = '\u001b[H\u001b[2J';

const help = `
Exit code 3 means that PostgreSQL or the queue's Redis cannot be reached; the rest is shown all the same.

Examples:
  $ npx consciousness-field status
  $ npx consciousness-field status --once --json`;

interface Options {
  once?: boolean;
  interval: number;
  url?: string;
  json?: boolean;
}

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('Shows queues, workers and fields: how much waits, how old it is, how fast it goes.')
    .option('--once', 'only once, as it does when it does not write to a terminal')
    .option('--interval <seconds>', 'between two looks', integerBetween(1, 60), 1)
    .option('--url <url>', 'the API, for the open streams (default: that of a running `npm start`)', parseUrl)
    .option('--json', 'once, as JSON')
    .addHelpText('after', help)
    .action(run);
}

async function run({ once, interval, url, json }: Options): Promise<void> {
  const options = readStatusOptions(url);
  const stopping = new AbortController();
  onShutdownSignals(
    () => stopping.abort(),
    () => process.exit(exitCodes.stopped),
  );
  // Speeds need two looks.
  let previous = await readStatus(options);
  for (;;) {
    await delay(interval * 1000, undefined, { signal: stopping.signal }).catch(() => undefined);
    if (stopping.signal.aborted) return;
    const status = await readStatus(options);
    if (json || once || !process.stdout.isTTY) {
      console.log(json ? JSON.stringify(toJson(status, previous)) : renderStatus(status, previous));
      if (isUnreachable(status.redis) || isUnreachable(status.postgres)) process.exitCode = exitCodes.unreachable;
      return;
    }
    process.stdout.write(`${clearScreen}${renderStatus(status, previous)}\n\nCtrl-C ends.\n`);
    previous = status;
  }
}

function readStatusOptions(url: string | undefined): ReadStatusOptions {
  const settings = readSettings(['DATABASE_URL', 'QUEUE_REDIS_URL', 'QUEUE_PREFIX'], process.env, ['ADMIN_PASSWORD']);
  return {
    databaseUrl: settings.DATABASE_URL,
    queueUrl: settings.QUEUE_REDIS_URL,
    prefix: settings.QUEUE_PREFIX,
    apiUrl: url ?? collectSettings(process.env).API_URL,
    adminPassword: settings.ADMIN_PASSWORD,
  };
}

function toJson(status: Status, previous: Status) {
  return { ...status, updatesPerSecond: computeUpdatesPerSecond(status, previous) };
}

/** `status`: queues, workers and fields at a glance; on a terminal it refreshes until Ctrl-C. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext } from '../../context/command-context.ts';
import { collectSettings, readSettings } from '../../input/read-settings.ts';
import { isUnreachable, type ReadStatusOptions, readStatus, type Status } from '../../status/read-status.ts';
import { computeUpdatesPerSecond, renderStatus } from '../../status/render-status.ts';

const clearScreen = '\u001b[H\u001b[2J';

export interface StatusOptions {
  readonly once?: boolean;
  /** In seconds. */
  readonly interval: number;
  readonly url?: string;
  readonly json?: boolean;
}

export async function showStatus({ once, interval, url, json }: StatusOptions, context: CommandContext): Promise<void> {
  const options = readStatusOptions(url, context);
  const signal = context.catchShutdownSignals();
  // A rate is computed from two readings.
  let previous = await readStatus(options);
  for (;;) {
    await delay(interval * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const status = await readStatus(options);
    if (json || once || !context.stdout.isTTY) {
      context.print(json ? JSON.stringify(toJson(status, previous)) : renderStatus(status, previous));
      if (isUnreachable(status.redis) || isUnreachable(status.postgres)) context.setExitCode('unreachable');
      return;
    }
    context.stdout.write(`${clearScreen}${renderStatus(status, previous)}\n\nPress Ctrl-C to exit.\n`);
    previous = status;
  }
}

function readStatusOptions(url: string | undefined, context: CommandContext): ReadStatusOptions {
  const settings = readSettings(['DATABASE_URL', 'QUEUE_REDIS_URL', 'QUEUE_PREFIX'], context, ['ADMIN_PASSWORD']);
  return {
    databaseUrl: settings.DATABASE_URL,
    queueUrl: settings.QUEUE_REDIS_URL,
    prefix: settings.QUEUE_PREFIX,
    apiUrl: url ?? collectSettings(context).API_URL,
    adminPassword: settings.ADMIN_PASSWORD,
  };
}

function toJson(status: Status, previous: Status) {
  return { ...status, updatesPerSecond: computeUpdatesPerSecond(status, previous) };
}

/** The dead letters of all queues, for a command. */
import { createPostgresBackend, Queue } from 'bullmq';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { updatesQueue } from '../../shared/contract/job.ts';
import {
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterQueue,
  listDeadLetterQueues,
  performDeadLetterAction,
  readDeadLetterPages,
} from '../../shared/queue/dead-letters.ts';
import { fallbackConnection } from '../../shared/queue/fallback-queue.ts';
import type { CommandContext } from '../context/command-context.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import { readSettings, type SettingName } from '../input/read-settings.ts';
import { withProducer } from './with-redis.ts';

const timeoutMs = 5000;
const pageSize = 1000;

const deadLetterSettings = ['QUEUE_REDIS_URL', 'QUEUE_PREFIX', 'DATABASE_URL'] as const satisfies SettingName[];

interface DeadLetters {
  /** The newest first. */
  readonly letters: readonly DeadLetter[];
  /** @returns whether it still was a dead letter */
  readonly perform: (action: DeadLetterAction, letter: DeadLetter) => Promise<boolean>;
}

/** Opens all queues and passes their dead letters to `work`. @throws CliError `unreachable` */
export async function withDeadLetters<T>(
  context: CommandContext,
  work: (deadLetters: DeadLetters) => Promise<T>,
): Promise<T> {
  const settings = readSettings(deadLetterSettings, context, ['DATABASE_DIRECT_URL']);
  const { QUEUE_REDIS_URL: url, QUEUE_PREFIX: prefix } = settings;
  return withProducer({ url, prefix }, async ({ queues: { all: partitions } }) => {
    const fallback = new Queue(
      updatesQueue,
      { connection: fallbackConnection(directDatabaseUrl(settings), 2, timeoutMs) },
      createPostgresBackend,
    );
    fallback.on('error', () => undefined);
    try {
      const queues = listDeadLetterQueues(partitions, fallback);
      const letters = (await Promise.all(queues.map(readAll))).flat().sort((a, b) => b.failedAt - a.failedAt);
      return await work({ letters, perform: (action, { id }) => performDeadLetterAction(action, queues, id) });
    } finally {
      await fallback.close();
    }
  });
}

async function readAll(queue: DeadLetterQueue): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  try {
    for await (const page of readDeadLetterPages(queue, pageSize)) letters.push(...page);
    return letters;
  } catch (cause) {
    if (queue.idPrefix !== 'p') throw cause;
    throw new CliError('unreachable', `The queue in PostgreSQL cannot be read: ${reasonOf(cause)}`, {
      hint: 'Check DATABASE_URL, and run `npx consciousness-field migrate` if it has not been run.',
      cause,
    });
  }
}

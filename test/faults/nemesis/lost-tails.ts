/**
 * Failovers to a replica that lags behind: a server is killed and comes back with a copy of its data that was made seconds
 * before. What it has acknowledged since then is lost, and devices have to send it again.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../support/wait-until.ts';
import type { Fault, FaultContext } from './fault-context.ts';
import { copyAppendOnlyFiles, copyMemory, copyPostgres, failOverToCopy } from './server-copies.ts';

/** How long the workers stand still before the queue is lost, so that updates wait in it. */
const backlogMs = 500;

/** How many commits the replica lags behind, at least and at most. */
const minTail = 20;
const maxTail = 300;
const tailTimeout = { timeoutMs: 30_000, intervalMs: 50 };

export const losePostgresTail: Fault = {
  losesTail: true,
  async inject(context) {
    const { stack, notes } = context;
    await copyPostgres(stack.servers.postgres, stack.urls.database);
    const lost = await waitForTail(context);
    await failOverToCopy(stack.servers.postgres);
    notes.push(`about ${lost} commits lost`);
  },
};

export const loseQueueTail: Fault = {
  losesTail: true,
  async inject(context) {
    const { stack, notes, random, devicePool } = context;
    const { ledger } = devicePool;
    await copyAppendOnlyFiles(stack.servers.queue, stack.urls.queue);
    const copiedAt = performance.now();
    await waitForTail(context);
    const hasBacklog = random.chance(0.5);
    if (hasBacklog) for (const worker of stack.workers) worker.send('SIGSTOP');
    if (hasBacklog) await delay(backlogMs);
    const accepted = ledger.entries.filter(({ acceptedAt }) => (acceptedAt ?? 0) > copiedAt);
    await failOverToCopy(stack.servers.queue);
    if (hasBacklog) for (const worker of stack.workers) worker.send('SIGCONT');
    const unapplied = accepted.filter(({ seenAt }) => seenAt === undefined).length;
    notes.push(`${accepted.length} receipts lost, ${unapplied} of updates that were not applied`);
  },
};

export const loseCacheTail: Fault = {
  async inject(context) {
    const { stack, notes, random, devicePool } = context;
    const server = stack.servers.cache;
    await copyMemory(server, stack.urls.cache);
    const lag = await waitForTail(context);
    // Without further writes, nothing but a comparison with PostgreSQL shows that the copies are old.
    const isQuiet = random.chance(0.5);
    if (isQuiet) devicePool.stopWriting();
    await failOverToCopy(server);
    await rm(join(server.dataFolder, 'dump.rdb')); // The next restart finds an empty cache again.
    notes.push(`cached states about ${lag} commits old${isQuiet ? ', no writes afterwards' : ''}`);
  },
};

/** Waits until the log is longer than it was, by a random number of entries. @returns by how many */
async function waitForTail(context: FaultContext): Promise<number> {
  const copied = await countCommitted(context);
  const wanted = minTail + context.random.below(maxTail - minTail);
  return waitUntil(
    `${wanted} updates are applied`,
    async () => {
      const tail = (await countCommitted(context)) - copied;
      return tail >= wanted && tail;
    },
    tailTimeout,
  );
}

/** Updates that the log has, in all fields that are written. */
async function countCommitted({ observer, devicePool }: FaultContext): Promise<number> {
  const clocks = await Promise.all(devicePool.fields.map((field) => observer.reader.readClock(field)));
  return clocks.reduce((sum, clock) => sum + (clock?.version ?? 0), 0);
}

/** All faults by name. A fault resolves when its cause is removed; the system may not have recovered yet. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KillableServer } from '../stack/killable-server.ts';
import type { TcpLink } from '../stack/tcp-link.ts';
import { stepApiClock, stepWorkerClock } from './clock-steps.ts';
import {
  type Fault,
  type FaultContext,
  findLinkBetween,
  findLinksTo,
  pickVictim,
  serverNames,
} from './fault-context.ts';
import { breakDisk, restoreDisk } from './full-disk.ts';
import { loseCacheTail, losePostgresTail, loseQueueTail } from './lost-tails.ts';
import { oneLinkCuts } from './one-link-cuts.ts';
import { pruneWhileScaling } from './prune-while-scaling.ts';
import { restoreInMidRun } from './restore-backup.ts';

/** Longer than it takes others to lease the partitions of a stopped worker (13 s) and to retry its jobs (2 s). */
const pausedMs = 17_000;
const downtimeMs = 20_000;
const silenceMs = 8000;
const refusedMs = 5000;
const fullDiskMs = 6000;

async function killAndRestart(server: KillableServer, downtimeMs = 0): Promise<void> {
  await server.kill9();
  await delay(downtimeMs);
  await server.start();
}

/** Makes the open connections half-open permanently; connections opened after the fault work. */
async function silence(links: readonly TcpLink[]): Promise<void> {
  for (const link of links) link.setMode('silent');
  await delay(silenceMs);
  for (const link of links) link.setMode('pass');
}

async function terminate({ random, stack, anomalies }: FaultContext, component: 'apis' | 'workers'): Promise<void> {
  const victim = pickVictim(random, stack[component]);
  const exit = await victim.kill('SIGTERM');
  if (exit !== 'code 0') anomalies.push(`${victim.name} exited with ${exit} on SIGTERM`);
}

export const faults: Readonly<Record<string, Fault>> = {
  'kill-worker': {
    inject: async ({ random, stack }) => void (await pickVictim(random, stack.workers).kill('SIGKILL')),
  },
  'kill-api': { inject: async ({ random, stack }) => void (await pickVictim(random, stack.apis).kill('SIGKILL')) },
  'kill-both-workers': {
    inject: async ({ stack }) => void (await Promise.all(stack.workers.map((worker) => worker.kill('SIGKILL')))),
  },
  'kill-postgres': { inject: ({ stack }) => killAndRestart(stack.servers.postgres) },
  'kill-queue-redis': { inject: ({ stack }) => killAndRestart(stack.servers.queue) },
  'kill-cache-redis': { inject: ({ stack }) => killAndRestart(stack.servers.cache) },
  'term-worker': { inject: (context) => terminate(context, 'workers') },
  'term-api': { inject: (context) => terminate(context, 'apis') },
  'flush-cache': { inject: async ({ observer }) => void (await observer.cacheRedis.flushall()) },
  'cut-server-links': {
    inject: async ({ random, stack }) => {
      for (const link of findLinksTo(stack, random.pick(serverNames))) link.cut();
    },
  },
  'cut-devices': {
    inject: async ({ random, stack }) => {
      for (let times = 3 + random.below(4); times > 0; times -= 1) {
        for (const link of findLinksTo(stack, 'api')) link.cut();
        await delay(100 + random.below(400));
      }
    },
  },
  'refuse-cache': {
    inject: async ({ stack }) => {
      for (const link of findLinksTo(stack, 'cache')) link.setMode('refuse');
      await delay(refusedMs);
      for (const link of findLinksTo(stack, 'cache')) link.setMode('pass');
    },
  },
  'half-open-worker': {
    inject: ({ random, stack }) =>
      silence([findLinkBetween(stack, pickVictim(random, stack.workers).name, random.pick(serverNames))]),
  },
  'half-open-api': {
    inject: ({ random, stack }) =>
      silence([findLinkBetween(stack, pickVictim(random, stack.apis).name, random.pick(serverNames))]),
  },
  'half-open-postgres': { inject: ({ stack }) => silence(findLinksTo(stack, 'postgres')) },
  'half-open-queue': { inject: ({ stack }) => silence(findLinksTo(stack, 'queue')) },
  'half-open-cache': { inject: ({ stack }) => silence(findLinksTo(stack, 'cache')) },
  'full-disk': {
    inject: async ({ stack }) => {
      await breakDisk(stack.urls.database);
      await delay(fullDiskMs);
      await restoreDisk(stack.urls.database);
    },
  },
  'zombie-worker': {
    isLong: true,
    inject: async ({ random, stack }) => {
      const victim = pickVictim(random, stack.workers);
      victim.send('SIGSTOP');
      await delay(pausedMs);
      victim.send('SIGCONT');
    },
  },
  'queue-gone-20s': { isLong: true, inject: ({ stack }) => killAndRestart(stack.servers.queue, downtimeMs) },
  'postgres-gone-20s': { isLong: true, inject: ({ stack }) => killAndRestart(stack.servers.postgres, downtimeMs) },
  ...oneLinkCuts,
  'lose-postgres-tail': losePostgresTail,
  'lose-queue-tail': loseQueueTail,
  'lose-cache-tail': loseCacheTail,
  'step-worker-clock': stepWorkerClock,
  'step-api-clock': stepApiClock,
  'prune-while-scaling': pruneWhileScaling,
  'restore-backup': restoreInMidRun,
};

/** Every fault by its name. A fault resolves when it is over: what was broken is whole again, and nothing has recovered yet. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KillableServer } from '../stack/killable-server.ts';
import type { TcpLink } from '../stack/tcp-link.ts';
import { type FaultContext, findLinkBetween, findLinksTo, pickVictim } from './fault-context.ts';
import { breakDisk, restoreDisk } from './full-disk.ts';

export interface Fault {
  /** Left out of short runs. */
  readonly isLong?: boolean;
  readonly make: (arena: FaultContext) => Promise<void>;
}

/** Longer than a job's lock (10 s) and the check that gives stalled jobs back (5 s). */
const pausedMs = 17_000;
const downtimeMs = 20_000;
const silenceMs = 8000;
const refusedMs = 5000;
const fullDiskMs = 6000;
const serverNames = ['postgres', 'queue', 'cache'] as const;

async function killAndRestart(server: KillableServer, downtimeMs = 0): Promise<void> {
  await server.kill9();
  await delay(downtimeMs);
  await server.start();
}

/** What was open stays silent for good; what is opened afterwards works. */
async function silence(links: readonly TcpLink[]): Promise<void> {
  for (const link of links) link.setMode('silent');
  await delay(silenceMs);
  for (const link of links) link.setMode('pass');
}

async function terminate({ random, stack, anomalies }: FaultContext, component: 'apis' | 'workers'): Promise<void> {
  const victim = pickVictim(random, stack[component]);
  const end = await victim.end('SIGTERM');
  if (end !== 'code 0') anomalies.push(`${victim.name} ended with ${end} on SIGTERM`);
}

export const faults: Readonly<Record<string, Fault>> = {
  'kill-worker': { make: async ({ random, stack }) => void (await pickVictim(random, stack.workers).end('SIGKILL')) },
  'kill-api': { make: async ({ random, stack }) => void (await pickVictim(random, stack.apis).end('SIGKILL')) },
  'kill-both-workers': {
    make: async ({ stack }) => void (await Promise.all(stack.workers.map((worker) => worker.end('SIGKILL')))),
  },
  'kill-postgres': { make: ({ stack }) => killAndRestart(stack.servers.postgres) },
  'kill-queue-redis': { make: ({ stack }) => killAndRestart(stack.servers.queue) },
  'kill-cache-redis': { make: ({ stack }) => killAndRestart(stack.servers.cache) },
  'term-worker': { make: (arena) => terminate(arena, 'workers') },
  'term-api': { make: (arena) => terminate(arena, 'apis') },
  'flush-cache': { make: async ({ observer }) => void (await observer.cacheRedis.flushall()) },
  'cut-server-links': {
    make: async ({ random, stack }) => {
      for (const link of findLinksTo(stack, random.pick(serverNames))) link.cut();
    },
  },
  'cut-devices': {
    make: async ({ random, stack }) => {
      for (let times = 3 + random.below(4); times > 0; times -= 1) {
        for (const link of findLinksTo(stack, 'api')) link.cut();
        await delay(100 + random.below(400));
      }
    },
  },
  'refuse-cache': {
    make: async ({ stack }) => {
      for (const link of findLinksTo(stack, 'cache')) link.setMode('refuse');
      await delay(refusedMs);
      for (const link of findLinksTo(stack, 'cache')) link.setMode('pass');
    },
  },
  'half-open-worker': {
    make: ({ random, stack }) =>
      silence([findLinkBetween(stack, pickVictim(random, stack.workers).name, random.pick(serverNames))]),
  },
  'half-open-api': {
    make: ({ random, stack }) =>
      silence([findLinkBetween(stack, pickVictim(random, stack.apis).name, random.pick(serverNames))]),
  },
  'half-open-postgres': { make: ({ stack }) => silence(findLinksTo(stack, 'postgres')) },
  'half-open-queue': { make: ({ stack }) => silence(findLinksTo(stack, 'queue')) },
  'half-open-cache': { make: ({ stack }) => silence(findLinksTo(stack, 'cache')) },
  'full-disk': {
    make: async ({ stack }) => {
      await breakDisk(stack.urls.database);
      await delay(fullDiskMs);
      await restoreDisk(stack.urls.database);
    },
  },
  'zombie-worker': {
    isLong: true,
    make: async ({ random, stack }) => {
      const victim = pickVictim(random, stack.workers);
      victim.send('SIGSTOP');
      await delay(pausedMs);
      victim.send('SIGCONT');
    },
  },
  'queue-gone-20s': { isLong: true, make: ({ stack }) => killAndRestart(stack.servers.queue, downtimeMs) },
  'postgres-gone-20s': { isLong: true, make: ({ stack }) => killAndRestart(stack.servers.postgres, downtimeMs) },
};

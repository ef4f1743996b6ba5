/** Every fault by its name. A fault resolves when it is over: what was broken is whole again, and nothing has recovered yet. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KillableServer } from '../stack/killable-server.ts';
import type { TcpLink } from '../stack/tcp-link.ts';
import { type Arena, linkBetween, linksTo, pickVictim } from './arena.ts';
import { breakDisk, mendDisk } from './full-disk.ts';

export interface Fault {
  /** Left out of short runs. */
  readonly isLong?: boolean;
  readonly make: (arena: Arena) => Promise<void>;
}

/** Longer than a job's lock (10 s) and the check that gives stalled jobs back (5 s). */
const zombieMs = 17_000;
const goneMs = 20_000;
const silentMs = 8000;
const refusedMs = 5000;
const fullDiskMs = 6000;
const serverNames = ['postgres', 'queue', 'cache'] as const;

async function killAndRestart(server: KillableServer, goneForMs = 0): Promise<void> {
  await server.kill9();
  await delay(goneForMs);
  await server.start();
}

/** What was open stays silent for good; what is opened afterwards works. */
async function silence(links: readonly TcpLink[]): Promise<void> {
  for (const link of links) link.setMode('silent');
  await delay(silentMs);
  for (const link of links) link.setMode('pass');
}

async function terminate({ random, stack, complaints }: Arena, room: 'apis' | 'workers'): Promise<void> {
  const victim = pickVictim(random, stack[room]);
  const end = await victim.end('SIGTERM');
  if (end !== 'code 0') complaints.push(`${victim.name} ended with ${end} on SIGTERM`);
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
      for (const link of linksTo(stack, random.pick(serverNames))) link.cut();
    },
  },
  'cut-devices': {
    make: async ({ random, stack }) => {
      for (let times = 3 + random.below(4); times > 0; times -= 1) {
        for (const link of linksTo(stack, 'api')) link.cut();
        await delay(100 + random.below(400));
      }
    },
  },
  'refuse-cache': {
    make: async ({ stack }) => {
      for (const link of linksTo(stack, 'cache')) link.setMode('refuse');
      await delay(refusedMs);
      for (const link of linksTo(stack, 'cache')) link.setMode('pass');
    },
  },
  'half-open-worker': {
    make: ({ random, stack }) =>
      silence([linkBetween(stack, pickVictim(random, stack.workers).name, random.pick(serverNames))]),
  },
  'half-open-api': {
    make: ({ random, stack }) =>
      silence([linkBetween(stack, pickVictim(random, stack.apis).name, random.pick(serverNames))]),
  },
  'half-open-postgres': { make: ({ stack }) => silence(linksTo(stack, 'postgres')) },
  'half-open-queue': { make: ({ stack }) => silence(linksTo(stack, 'queue')) },
  'half-open-cache': { make: ({ stack }) => silence(linksTo(stack, 'cache')) },
  'full-disk': {
    make: async ({ stack }) => {
      await breakDisk(stack.urls.database);
      await delay(fullDiskMs);
      await mendDisk(stack.urls.database);
    },
  },
  'zombie-worker': {
    isLong: true,
    make: async ({ random, stack }) => {
      const victim = pickVictim(random, stack.workers);
      victim.send('SIGSTOP');
      await delay(zombieMs);
      victim.send('SIGCONT');
    },
  },
  'queue-gone-20s': { isLong: true, make: ({ stack }) => killAndRestart(stack.servers.queue, goneMs) },
  'postgres-gone-20s': { isLong: true, make: ({ stack }) => killAndRestart(stack.servers.postgres, goneMs) },
};
